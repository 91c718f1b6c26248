//go:build linux

package realnode

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// load asks an application without a pause, every time over a new connection, as many clients do.
type load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	asked    int
	failures []string
	seen     map[string]chan struct{} // by message; closed when it came
}

func startLoad(url string) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel, seen: map[string]chan struct{}{}}
	for range 2 {
		l.done.Go(func() {
			for ctx.Err() == nil {
				message, err := ask(ctx, url)
				if ctx.Err() == nil {
					l.note(message, err)
				}
			}
		})
	}
	return l
}

func (l *load) note(message string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if err != nil {
		l.failures = append(l.failures, fmt.Sprintf("%s request %d: %v", time.Now().Format("15:04:05.000"), l.asked, err))
		return
	}
	select {
	case <-l.message(message):
	default:
		close(l.seen[message])
	}
}

func (l *load) message(message string) chan struct{} {
	if l.seen[message] == nil {
		l.seen[message] = make(chan struct{})
	}
	return l.seen[message]
}

// awaitMessage waits until an answer is the message.
func (l *load) awaitMessage(t *testing.T, message string) {
	t.Helper()
	l.mu.Lock()
	came := l.message(message)
	l.mu.Unlock()
	select {
	case <-came:
	case <-time.After(patience):
		t.Errorf("nobody was told %q", message)
	}
}

// expectNoFailure ends the load. It may be left out when the test has failed.
func (l *load) expectNoFailure(t *testing.T) {
	t.Helper()
	l.cancel()
	l.done.Wait()
	if len(l.failures) > 0 {
		t.Errorf("%d of %d requests failed:\n%s", len(l.failures), l.asked, strings.Join(l.failures[:min(5, len(l.failures))], "\n"))
	}
	t.Logf("%d requests", l.asked)
}

// ask is one request over a connection of its own; it returns the message without the version.
func ask(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	request.Close = true
	transport := &http.Transport{Proxy: nil, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("it answers %s", response.Status)
	}
	message, _, _ := strings.Cut(string(body), " (version")
	return message, nil
}

// awaitMessage asks until an application says the message.
func (in *installation) awaitMessage(t *testing.T, environment, want string) {
	t.Helper()
	url := in.url(t, environment)
	for deadline := time.Now().Add(patience); ; {
		got, err := ask(t.Context(), url)
		if err == nil && got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s says %q (%v), want %q", environment, got, err, want)
		}
	}
}
