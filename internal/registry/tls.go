package registry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// onlyTLS lets http through to this machine alone, and not where TLS is spoken. The library speaks
// https first and falls back to http for private addresses, which whoever can block https would make
// use of.
type onlyTLS struct {
	next http.RoundTripper

	mu       sync.Mutex
	distrust error // what was wrong with a certificate
}

// RoundTrip is part of http.RoundTripper.
func (t *onlyTLS) RoundTrip(r *http.Request) (*http.Response, error) {
	t.mu.Lock()
	distrust := t.distrust
	t.mu.Unlock()
	switch {
	case r.URL.Scheme == "https":
		resp, err := t.next.RoundTrip(r)
		var invalid *tls.CertificateVerificationError
		if errors.As(err, &invalid) {
			t.mu.Lock()
			t.distrust = err
			t.mu.Unlock()
		}
		return resp, err
	case distrust != nil:
		return nil, distrust
	case IsThisMachine(r.URL.Host):
		return t.next.RoundTrip(r)
	}
	return nil, &model.Error{
		Kind: model.ErrDenied, Reason: "PlainHTTP", Msg: fmt.Sprintf("%s speaks no TLS", r.URL.Host),
		Next: "give the registry a certificate (--ca-file names a CA of your own); --plain-http allows http all the same",
	}
}

// IsThisMachine reports whether a host, with or without a port, is a loopback address or localhost.
func IsThisMachine(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
