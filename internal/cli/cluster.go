package cli

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// Cluster is the way to one API server. It sends nothing before a command does.
type Cluster struct {
	Config    *rest.Config
	Namespace string // of the kubeconfig's context; may be empty
	Typed     *kube.Typed
	Dynamic   dynamic.Interface
	Metadata  metadata.Interface

	mapper func() meta.RESTMapper
}

// Mapper tells the resource of a kind; it asks the server at its first use.
func (c *Cluster) Mapper() meta.RESTMapper { return c.mapper() }

// Kubeconfigs says which files describe clusters, the first that names a thing winning.
type Kubeconfigs struct {
	Explicit string   // --kubeconfig: must exist
	Files    []string // otherwise; those that do not exist are passed over
	Context  string   // --context; empty is the current one
	// Verbosity above 0 tells of each request.
	Verbosity int
}

// Connect makes the clients for the cluster that k chooses. Warnings of the API server go to w.
func Connect(k Kubeconfigs, userAgent string, w io.Writer) (*Cluster, error) {
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: k.Explicit, Precedence: k.Files}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: k.Context, ClusterInfo: clientcmdapi.Cluster{}}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	cfg, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "NoCluster", Msg: "no cluster is configured",
			Next: "fairlead up starts one on this machine; --kubeconfig or KUBECONFIG name another"}
	}
	if err != nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "NoCluster", Msg: "choosing a cluster", Err: err,
			Next: "fairlead up starts one on this machine; --kubeconfig, KUBECONFIG or --context name another"}
	}
	if k.Verbosity > 0 {
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return &teller{next, w} })
	}
	c, err := NewCluster(cfg, userAgent, w)
	if err != nil {
		return nil, err
	}
	// In a pod without a kubeconfig this is the pod's own.
	if c.Namespace, _, err = loader.Namespace(); err != nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "NoCluster", Msg: "reading the namespace of the kubeconfig's context", Err: err}
	}
	return c, nil
}

// NewCluster makes the clients for one API server. cfg is not changed.
func NewCluster(cfg *rest.Config, userAgent string, w io.Writer) (*Cluster, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.UserAgent = userAgent
	cfg.QPS = -1 // the server's priority and fairness decides
	cfg.WarningHandler = rest.NewWarningWriter(w, rest.WarningWriterOptions{Deduplicate: true})
	if cfg.Timeout == 0 {
		// A dial that nobody answers; requests and watches themselves are bounded by their context.
		cfg.Dial = dialer(10 * time.Second)
	}
	httpClient, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", cfg.Host, err)
	}
	c := &Cluster{Config: cfg}
	if c.Typed, err = kube.NewTyped(cfg, httpClient); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", cfg.Host, err)
	}
	if c.Dynamic, err = dynamic.NewForConfigAndClient(cfg, httpClient); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", cfg.Host, err)
	}
	if c.Metadata, err = metadata.NewForConfigAndClient(cfg, httpClient); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", cfg.Host, err)
	}
	c.mapper = sync.OnceValue(func() meta.RESTMapper {
		return restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.Typed.Discovery()))
	})
	return c, nil
}
