package kube

import (
	"log/slog"
	"net/http"

	"k8s.io/client-go/rest"
)

// Options of a Client.
type Options struct {
	Log       *slog.Logger // nil discards
	UserAgent string       // empty is client-go's default
	// Wrap, when set, wraps the transport of this client and of every client derived from it.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Client sends requests to one API server with the rights of one user.
type Client struct {
	cfg *rest.Config
}

// NewClient makes a client. It sends nothing yet.
func NewClient(cfg *rest.Config, o Options) (*Client, error) { panic("coming") }
