package cli

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// teller tells of each request and its answer: method, URL, status and time. Bodies and headers,
// which may hold secrets, are never told.
type teller struct {
	next http.RoundTripper
	w    io.Writer
}

// RoundTrip is part of http.RoundTripper.
func (t *teller) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	resp, err := t.next.RoundTrip(r)
	answer := "no answer"
	if err == nil {
		answer = resp.Status
	}
	fmt.Fprintf(t.w, "%s %s  %s  %s\n", r.Method, r.URL.Redacted(), answer, time.Since(start).Round(time.Millisecond))
	return resp, err
}
