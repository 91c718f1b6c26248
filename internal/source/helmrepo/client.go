package helmrepo

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// client gets files, with the credential for one host only.
type client struct {
	base *url.URL // of the repository
	auth *model.Auth
	own  *http.Client // trusts the credential's CA
	rest *http.Client
}

func newClient(base *url.URL, auth *model.Auth, proxy func(*http.Request) (*url.URL, error)) (*client, error) {
	c := &client{base: base, auth: auth}
	transport := &http.Transport{
		Proxy:               proxy,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 4,
	}
	c.rest = &http.Client{Transport: transport, CheckRedirect: c.redirect}
	c.own = c.rest
	if auth != nil && len(auth.CA) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(auth.CA) {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidCredential", Msg: "the CA given for " + base.Host + " holds no PEM certificate"}
		}
		trusting := transport.Clone()
		trusting.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		c.own = &http.Client{Transport: trusting, CheckRedirect: c.redirect}
	}
	return c, nil
}

// redirect follows a few redirects, without the credential when they lead away, and never from
// https to http.
func (c *client) redirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return errors.New("too many redirects")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("a redirect leads from https to " + req.URL.Scheme)
	}
	if !c.isOwn(req.URL) {
		req.Header.Del("Authorization")
	}
	return nil
}

func (c *client) isOwn(u *url.URL) bool {
	return strings.EqualFold(u.Host, c.base.Host) && u.Scheme == c.base.Scheme
}

// get reads at most max bytes of u. A 304 gives no body.
func (c *client) get(ctx context.Context, u *url.URL, header http.Header, max int64) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, fmt.Errorf("getting %s: %w", u.Redacted(), err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", "fairlead")
	do := c.rest
	if c.isOwn(u) {
		do = c.own
		if a := c.auth; a != nil && a.Password != "" {
			req.SetBasicAuth(a.Username, a.Password)
		} else if a != nil && a.Token != "" {
			req.Header.Set("Authorization", "Bearer "+a.Token)
		}
	}
	resp, err := do.Do(req)
	if err != nil {
		return nil, nil, explain(u, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified {
		return nil, resp.Header, nil
	}
	if resp.StatusCode != http.StatusOK {
		return nil, nil, refused(u, resp)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, max+1))
	if err != nil {
		return nil, nil, explain(u, err)
	}
	if int64(len(body)) > max {
		return nil, nil, &model.Error{Kind: model.ErrInvalid, Reason: "DownloadTooLarge", Msg: fmt.Sprintf("%s has more than the %d bytes allowed", u.Redacted(), max)}
	}
	return body, resp.Header, nil
}

func refused(u *url.URL, resp *http.Response) error {
	e := &model.Error{Kind: model.ErrTransient, Reason: "HTTPError", Msg: fmt.Sprintf("getting %s: the server answered %s", u.Redacted(), resp.Status)}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Kind, e.Reason, e.Next = model.ErrDenied, "AuthenticationFailed", "check user name and password of the credential"
	case code == http.StatusNotFound || code == http.StatusGone:
		e.Kind, e.Reason, e.Next = model.ErrNotFound, "RepositoryNotFound", "check the URL"
	case code < 500 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout:
		e.Kind = model.ErrInvalid
	}
	return e
}

func explain(u *url.URL, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	// net/http repeats the URL, which may hold a credential.
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	e := &model.Error{Kind: model.ErrTransient, Reason: "HostUnreachable", Msg: "getting " + u.Redacted(), Next: "check the URL and the network", Err: err}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	if errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &invalid) {
		e.Kind, e.Reason, e.Next = model.ErrDenied, "CertificateUntrusted", "put the CA's certificate into the credential's Secret as ca.crt"
	}
	return e
}
