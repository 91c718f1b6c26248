package webhook

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// Options configure a Handler.
type Options struct {
	// Secrets are accepted alternatively, so that one can be rotated.
	Secrets []string
	// AllowUnsigned accepts events without a signature when Secrets is empty, at most
	// UnsignedRate a second: they can cause no more than a fetch.
	AllowUnsigned bool
	UnsignedRate  float64 // default 50
	// Notify is called for each push of an accepted event, after the answer was sent.
	Notify func(ctx context.Context, push Push) (int, error)
	// Timeout bounds one call of Notify; default 60 s.
	Timeout time.Duration
	Log     *slog.Logger // default discards
}

// Refusal is why an event was not accepted, with the HTTP status to answer.
type Refusal struct {
	Status int
	Msg    string
}

// Error is the message that the sender may see.
func (r *Refusal) Error() string { return r.Msg }

const (
	maxBody    = 25 << 20 // GitHub sends no more
	maxReading = 16       // requests whose bodies are in memory
	maxCalls   = 256      // pushes that Notify has not finished with
)

// Handler serves the webhook endpoint: it answers 202 as soon as an event is accepted, and then
// calls Notify.
func Handler(opts Options) http.Handler {
	opts.UnsignedRate = cmp.Or(opts.UnsignedRate, 50)
	opts.Timeout = cmp.Or(opts.Timeout, time.Minute)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &handler{
		Options: opts,
		limit:   rate.NewLimiter(rate.Limit(opts.UnsignedRate), max(1, int(4*opts.UnsignedRate))),
		reading: make(chan struct{}, maxReading),
		calls:   make(chan struct{}, maxCalls),
	}
}

type handler struct {
	Options
	limit   *rate.Limiter
	reading chan struct{}
	calls   chan struct{}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pushes, err := h.accept(w, r)
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		h.Log.Info("refusing a webhook", "reason", refusal.Msg, "from", r.RemoteAddr)
		http.Error(w, refusal.Msg, refusal.Status)
		return
	case err != nil:
		http.Error(w, "the event could not be read", http.StatusBadRequest)
		return
	}
	for _, p := range pushes {
		select {
		case h.calls <- struct{}{}:
			go h.notify(context.WithoutCancel(r.Context()), p)
		default:
			// The next poll finds what this event would have told.
			http.Error(w, "too many events are being worked on", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusAccepted)
}

func (h *handler) accept(w http.ResponseWriter, r *http.Request) ([]Push, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &Refusal{http.StatusMethodNotAllowed, "events are sent with POST"}
	}
	if len(h.Secrets) == 0 {
		if !h.AllowUnsigned {
			return nil, &Refusal{http.StatusForbidden, "no webhook secret is configured, and events without one are not allowed"}
		}
		if !h.limit.Allow() {
			return nil, &Refusal{http.StatusTooManyRequests, "too many events without a signature"}
		}
	}
	select {
	case h.reading <- struct{}{}:
		defer func() { <-h.reading }()
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, &Refusal{http.StatusRequestEntityTooLarge, "the event is too large"}
	}
	if err != nil {
		return nil, err
	}
	if len(h.Secrets) > 0 {
		if err := Verify(r.Header, body, h.Secrets); err != nil {
			return nil, err
		}
	}
	return Parse(r.Header, body)
}

func (h *handler) notify(ctx context.Context, p Push) {
	defer func() { <-h.calls }()
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	n, err := h.Notify(ctx, p)
	if err != nil {
		h.Log.Warn("following a push", "ref", p.Ref, "commit", p.Commit, "err", err)
		return
	}
	h.Log.Debug("followed a push", "ref", p.Ref, "commit", p.Commit, "repositories", n)
}
