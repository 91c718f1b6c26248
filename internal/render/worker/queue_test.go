package worker

import (
	"context"
	"errors"
	"testing"
)

func TestQueueWidensWhenNothingFinishes(t *testing.T) {
	q := &queue{max: 2}
	for range 2 { // the second has to wait for patience to run out
		if err := q.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	if err := q.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a third beside a maximum of two: %v", err)
	}
	q.leave()
	q.leave()
	if q.running != 0 || q.allowed != 1 || len(q.waiting) != 0 {
		t.Errorf("left over: %d running, %d allowed, %d waiting", q.running, q.allowed, len(q.waiting))
	}
}

func TestQueueKeepsOrder(t *testing.T) {
	q := &queue{max: 1}
	if err := q.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	order := make(chan int, 3)
	for i := range 3 {
		go func() {
			if err := q.enter(t.Context()); err == nil {
				order <- i
				q.leave()
			}
		}()
		for waits := 0; waits <= i; { // the next only when this one stands in line
			q.mu.Lock()
			waits = len(q.waiting)
			q.mu.Unlock()
		}
	}
	q.leave()
	for i := range 3 {
		if got := <-order; got != i {
			t.Errorf("place %d: got %d", i, got)
		}
	}
}
