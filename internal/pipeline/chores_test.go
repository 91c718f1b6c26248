package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestChores(t *testing.T) {
	c := NewChores(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	done := make(chan string, 10)
	chore := func(name string) func(context.Context) error {
		return func(context.Context) error { done <- name; return errors.New("told and left") }
	}
	id := func(name string) model.ReleaseID {
		return model.ReleaseID{Kind: model.KindHelmRelease, Namespace: "apps", Name: name}
	}

	// Nothing runs yet, so what is put on the list stays there.
	c.Later(id("a"), chore("a1"))
	c.Later(id("b"), chore("b1"))
	c.Later(id("a"), chore("a2"))
	c.Later(id("c"), chore("c1"))
	c.Drop(id("b"))
	go func() { c.Run(ctx); close(ended) }()
	got := []string{<-done, <-done}
	if want := []string{"a2", "c1"}; !slices.Equal(got, want) {
		t.Errorf("did %q, want %q: the later one of a release, and none that was dropped", got, want)
	}

	// Drop waits for one that is under way.
	begun, more := make(chan struct{}), make(chan struct{})
	c.Later(id("d"), func(context.Context) error {
		close(begun)
		<-more
		for waits := true; waits; { // until the other was dropped, whose Drop waits for this one then
			c.mu.Lock()
			_, waits = c.todo[id("d")]
			c.mu.Unlock()
		}
		done <- "d1"
		return nil
	})
	<-begun
	c.Later(id("d"), chore("d2"))
	close(more)
	c.Drop(id("d"))
	if n := len(done); n != 1 {
		t.Errorf("Drop returned with %d done: it did not wait", n)
	}
	c.Later(id("e"), chore("e1"))
	got = []string{<-done, <-done}
	if want := []string{"d1", "e1"}; !slices.Equal(got, want) {
		t.Errorf("did %q, want %q", got, want)
	}
	cancel()
	<-ended
}
