package kube

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	metainternal "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// Options of a Client.
type Options struct {
	UserAgent string // empty is client-go's default
	// Wrap, when set, wraps the transport of this client and of every client derived from it.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Client sends requests to one API server with the rights of one user. It is safe for concurrent
// use.
type Client struct {
	cfg     *rest.Config
	meta    *rest.RESTClient       // answers are metadata or errors
	typed   *rest.RESTClient       // answers are built-in kinds
	dynamic *dynamic.DynamicClient // answers are any kind, in JSON
	kinds   *kinds                 // shared by all clients of this server

	mu    sync.Mutex
	users map[string]*Client // by impersonated user
}

// NewClient makes a client. It sends nothing yet.
func NewClient(cfg *rest.Config, o Options) (*Client, error) {
	cfg = rest.CopyConfig(cfg)
	// The server's priority and fairness limits requests; a second limit here only adds waiting.
	cfg.QPS, cfg.RateLimiter = -1, nil
	cfg.WarningHandler = rest.NoWarnings{}
	if o.UserAgent != "" {
		cfg.UserAgent = o.UserAgent
	}
	if o.Wrap != nil {
		cfg.Wrap(o.Wrap)
	}
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	h, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("preparing the transport: %w", err)
	}
	d, err := discovery.NewDiscoveryClientForConfigAndClient(cfg, h)
	if err != nil {
		return nil, fmt.Errorf("preparing discovery: %w", err)
	}
	c.kinds = &kinds{source: d}
	return c, nil
}

// newClient makes the REST clients for a configuration. Equal TLS settings share connections
// whoever is impersonated: client-go keeps transports by them.
func newClient(cfg *rest.Config) (*Client, error) {
	h, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("preparing the transport: %w", err)
	}
	c := &Client{cfg: cfg, users: map[string]*Client{}}
	if c.meta, err = restClient(cfg, h, metainternal.Codecs.WithoutConversion()); err != nil {
		return nil, err
	}
	if c.typed, err = restClient(cfg, h, builtinCodecs().WithoutConversion()); err != nil {
		return nil, err
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(cfg, h); err != nil {
		return nil, fmt.Errorf("preparing the dynamic client: %w", err)
	}
	return c, nil
}

func restClient(cfg *rest.Config, h *http.Client, codecs runtime.NegotiatedSerializer) (*rest.RESTClient, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	cfg.ContentType = runtime.ContentTypeJSON
	cfg.NegotiatedSerializer = codecs
	c, err := rest.UnversionedRESTClientForConfigAndClient(cfg, h)
	if err != nil {
		return nil, fmt.Errorf("preparing the REST client: %w", err)
	}
	return c, nil
}

// RESTConfig is a copy of the configuration, for libraries that make their own clients.
func (c *Client) RESTConfig() *rest.Config { return rest.CopyConfig(c.cfg) }

// As is a client with the rights of a service account, named "namespace/name". The same account
// gives the same client; connections, kinds and capabilities are shared.
func (c *Client) As(serviceAccount string) (*Client, error) {
	ns, name, ok := strings.Cut(serviceAccount, "/")
	if !ok || ns == "" || name == "" || strings.ContainsAny(name, "/:") || strings.Contains(ns, ":") {
		return nil, fmt.Errorf("impersonating %q: want namespace/name of a service account", serviceAccount)
	}
	user := "system:serviceaccount:" + ns + ":" + name
	c.mu.Lock()
	defer c.mu.Unlock()
	if u, ok := c.users[user]; ok {
		return u, nil
	}
	cfg := rest.CopyConfig(c.cfg)
	cfg.Impersonate = rest.ImpersonationConfig{
		UserName: user,
		// As the API server would for the account's own token; without these, rights that are
		// bound to all service accounts are missing.
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + ns, "system:authenticated"},
	}
	u, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	u.kinds = c.kinds
	c.users[user] = u
	return u, nil
}
