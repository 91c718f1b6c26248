package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Push is one ref of one repository that was pushed to. Its fields are those of source.Push.
type Push struct {
	URLs   []string // clone and web URLs of the repository, as the event gives them
	Ref    string   // "refs/heads/main"
	Commit string   // full commit ID, zeros for a deletion
}

// Options configure a Handler.
type Options struct {
	// Secrets are accepted alternatively, so that one can be rotated.
	Secrets []string
	// AllowUnsigned accepts events without a signature when Secrets is empty, at most
	// UnsignedRate a second: they can cause no more than a fetch.
	AllowUnsigned bool
	UnsignedRate  float64 // default 5
	// Notify is called for each push of an accepted event and must not block long.
	Notify func(ctx context.Context, push Push) (int, error)
	// Timeout bounds the work after the answer was sent; default 60 s.
	Timeout time.Duration
	Log     *slog.Logger // default discards
}

// Handler serves the webhook endpoint: it answers 202 as soon as an event is accepted and then
// calls Notify.
func Handler(opts Options) http.Handler { return http.NotFoundHandler() }

// Parse verifies the request's signature or token against secrets and reads the pushes of its
// event. An event that is no push gives none. Errors are *Refusal.
func Parse(r *http.Request, body []byte, secrets []string) ([]Push, error) { return nil, nil }

// Refusal is why an event was not accepted, with the HTTP status to answer.
type Refusal struct {
	Status int
	Msg    string
}

// Error is the message that the sender may see.
func (r *Refusal) Error() string { return r.Msg }
