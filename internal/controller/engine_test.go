package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/model"
)

func releaseID(name string) model.ReleaseID {
	return model.ReleaseID{Kind: model.KindHelmRelease, Namespace: "dev", Name: name}
}

// bench runs an engine whose turns do what a test tells them.
type bench struct {
	*Engine
	t     *testing.T
	stop  context.CancelFunc
	begun chan model.ReleaseID
}

func newBench(t *testing.T, parallel int, run func(context.Context, *Turn) time.Duration) *bench {
	ctx, stop := context.WithCancel(t.Context())
	b := &bench{t: t, stop: stop, begun: make(chan model.ReleaseID, 1000)}
	b.Engine = NewEngine(ctx, parallel, nil, func(ctx context.Context, turn *Turn) time.Duration {
		b.begun <- turn.ID
		return run(ctx, turn)
	})
	t.Cleanup(func() { stop(); b.Wait() })
	return b
}

// next waits for a turn to begin.
func (b *bench) next() model.ReleaseID {
	b.t.Helper()
	select {
	case id := <-b.begun:
		return id
	case <-time.After(10 * time.Second):
		b.t.Fatal("no turn began")
		return model.ReleaseID{}
	}
}

// idle waits until nothing is kept any more, and fails when turns began that nobody took.
func (b *bench) idle() {
	b.t.Helper()
	b.until("nothing is under way", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.tasks) == 0 })
	if n := len(b.begun); n > 0 {
		b.t.Errorf("%d turns too many", n)
	}
	if n := len(b.slots); n > 0 {
		b.t.Errorf("%d slots are still taken", n)
	}
}

func (b *bench) until(what string, cond func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	if err := waitFor(ctx, cond); err != nil {
		b.t.Fatalf("waiting until %s: %v", what, err)
	}
}

// TestEngineOneRunPerRelease hammers a few releases from many sides.
func TestEngineOneRunPerRelease(t *testing.T) {
	const parallel = 3
	var mu sync.Mutex
	running, most := map[model.ReleaseID]int{}, 0
	b := newBench(t, parallel, func(_ context.Context, turn *Turn) time.Duration {
		mu.Lock()
		running[turn.ID]++
		total := 0
		for _, n := range running {
			total += n
		}
		most = max(most, total)
		if running[turn.ID] > 1 {
			t.Errorf("%s runs twice at a time", turn.ID)
		}
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		running[turn.ID]--
		mu.Unlock()
		return 0
	})
	ids := []model.ReleaseID{releaseID("a"), releaseID("b"), releaseID("c"), releaseID("d"), releaseID("e")}
	var asking sync.WaitGroup
	for i := range 8 {
		asking.Go(func() {
			for n := range 20 {
				id := ids[(i+n)%len(ids)]
				b.Request(id)
				if n%5 == 0 {
					b.Forget(id) // as at the end of an uninstall, while requests go on coming
				}
				time.Sleep(200 * time.Microsecond)
			}
		})
	}
	asking.Wait()
	b.until("all turns are over", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.tasks) == 0 })
	if most > parallel {
		t.Errorf("%d ran at a time, want at most %d", most, parallel)
	}
}

func TestEngineCancelsWaiting(t *testing.T) {
	causes := make(chan error, 10)
	waiting := make(chan struct{}, 10)
	turns := 0
	b := newBench(t, 1, func(ctx context.Context, turn *Turn) time.Duration {
		if turns++; turns > 1 {
			return 0
		}
		ctx = turn.Waiting(ctx)
		waiting <- struct{}{}
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return 0
	})
	b.Request(releaseID("a"))
	b.next()
	<-waiting
	b.Request(releaseID("a"))
	if err := <-causes; !errors.Is(err, health.ErrSuperseded) {
		t.Errorf("the waiting ended with %v", err)
	}
	b.next()
	b.idle()
}

// TestEngineNeverCancelsWriting: neither what is written before the wait, nor after it.
func TestEngineNeverCancelsWriting(t *testing.T) {
	id := releaseID("a")
	writing, written := make(chan struct{}), make(chan error, 1)
	again, end := make(chan struct{}), make(chan error, 1)
	turns := 0
	var b *bench
	b = newBench(t, 1, func(ctx context.Context, turn *Turn) time.Duration {
		if turns++; turns > 1 {
			return 0
		}
		writing <- struct{}{}
		b.until("the request is in", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.tasks[id].pending })
		written <- ctx.Err()
		wait := turn.Waiting(ctx)
		if !superseded(context.Cause(wait)) {
			t.Error("a request that came during the writing does not end the waiting")
		}
		if err := turn.Writing(ctx); err != nil {
			t.Error(err)
		}
		again <- struct{}{}
		<-again
		end <- ctx.Err()
		return 0
	})
	b.Request(id)
	b.next()
	<-writing
	b.Request(id)
	if err := <-written; err != nil {
		t.Errorf("the writing was cancelled: %v", err)
	}
	<-again
	b.Request(id)
	again <- struct{}{}
	if err := <-end; err != nil {
		t.Errorf("the writing after the wait was cancelled: %v", err)
	}
	b.next()
	b.idle()
}

// TestEngineSlots: who waits or pauses takes no slot from others.
func TestEngineSlots(t *testing.T) {
	release := make(chan struct{})
	b := newBench(t, 1, func(ctx context.Context, turn *Turn) time.Duration {
		switch turn.ID.Name {
		case "waits":
			turn.Waiting(ctx)
			<-release
		case "pauses":
			turn.Pausing()
			<-release
			if err := turn.Writing(ctx); err != nil {
				t.Error(err)
			}
			if err := turn.Writing(ctx); err != nil { // takes no second one
				t.Error(err)
			}
		}
		return 0
	})
	b.Request(releaseID("waits"))
	b.next()
	b.Request(releaseID("pauses"))
	b.next()
	b.Request(releaseID("writes"))
	b.next()
	close(release)
	b.idle()
}

func TestEngineRetries(t *testing.T) {
	turns := 0
	b := newBench(t, 1, func(context.Context, *Turn) time.Duration {
		if turns++; turns < 3 {
			return time.Millisecond
		}
		return 0
	})
	b.Request(releaseID("a"))
	for range 3 {
		b.next()
	}
	b.idle()
}

func TestEngineForgetsRetries(t *testing.T) {
	b := newBench(t, 1, func(context.Context, *Turn) time.Duration { return time.Hour })
	id := releaseID("a")
	b.Request(id)
	b.next()
	b.until("the turn is over", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return !b.tasks[id].active })
	b.Forget(id)
	b.idle()
}

// TestEngineNudge: what a turn has seen causes no other; what came after its look does.
func TestEngineNudge(t *testing.T) {
	nudge, looked := make(chan struct{}), make(chan struct{})
	var late []bool
	b := newBench(t, 1, func(_ context.Context, turn *Turn) time.Duration {
		if len(late) == 0 {
			return 0
		}
		after := late[0]
		late = late[1:]
		if after {
			turn.Looking()
		}
		nudge <- struct{}{}
		<-looked
		if !after {
			turn.Looking()
		}
		return 0
	})
	id := releaseID("a")
	for _, after := range []bool{false, true} {
		late = []bool{after}
		b.Request(id)
		b.next()
		<-nudge
		b.Nudge(id)
		looked <- struct{}{}
		if after {
			b.next()
		}
		b.idle()
	}
	b.Nudge(id)
	b.next()
	b.idle()
}

func TestEngineShutdown(t *testing.T) {
	before := make(chan struct{})
	b := newBench(t, 1, func(ctx context.Context, turn *Turn) time.Duration {
		before <- struct{}{}
		<-ctx.Done()
		return time.Millisecond
	})
	b.Request(releaseID("runs"), releaseID("has no slot"))
	b.next()
	<-before
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 50 {
				b.Request(releaseID("late"))
			}
		})
	}
	b.stop()
	b.Wait()
	asking.Wait()
	b.Request(releaseID("too late"))
	b.Nudge(releaseID("too late"))
	b.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, kept := b.tasks[releaseID("too late")]; kept {
		t.Error("a request after the end is kept")
	}
	if n := len(b.begun); n > 0 {
		t.Errorf("%d turns began after the end", n)
	}
}

// TestInterim: after end nothing is written, and nothing is on its way.
func TestInterim(t *testing.T) {
	var mu sync.Mutex
	var said []string
	say := func(what string) { mu.Lock(); defer mu.Unlock(); said = append(said, what) }
	for i := range 100 {
		said = nil
		in := newInterim(time.Duration(i%3)*100*time.Microsecond, func() bool { return false })
		in.tell(func() { say("interim") })
		time.Sleep(150 * time.Microsecond)
		if i%2 == 0 {
			in.hush()
		} else {
			in.end()
		}
		in.end()
		in.tell(func() { say("too late") })
		say("final")
		time.Sleep(300 * time.Microsecond)
		mu.Lock()
		if last := said[len(said)-1]; last != "final" || slices.Index(said, "final") != len(said)-1 {
			t.Fatalf("said %v", said)
		}
		mu.Unlock()
	}
	var none *interim
	none.end()
}

// TestInterimWaits: as long as others wait for their turn nothing is written, and then it is.
func TestInterimWaits(t *testing.T) {
	var looks atomic.Int64
	at := make(chan int64, 1)
	in := newInterim(time.Millisecond, func() bool { return looks.Add(1) < 4 })
	in.tell(func() {
		select {
		case at <- looks.Load():
		default:
		}
	})
	if n := <-at; n != 4 {
		t.Errorf("written after %d looks, want 4: the first that found room", n)
	}
	in.end()
}

// TestInterimIsRenewed: what is told last is found, and nothing is said while the run writes.
func TestInterimIsRenewed(t *testing.T) {
	in := newInterim(time.Millisecond, func() bool { return false })
	defer in.end()
	at := make(chan string)
	for _, what := range []string{"hook", "rollout", "rollout", "another hook"} {
		in.tell(func() {
			select {
			case at <- what:
			default:
			}
		})
		for got := <-at; got != what; got = <-at {
			t.Logf("%q is still on its way", got)
		}
		in.hush()
		select {
		case got := <-at:
			t.Errorf("said %q after it was hushed", got)
		default:
		}
	}
}

// TestEngineTellsOfQuiet: once after each time that something ran, and never while something does.
func TestEngineTellsOfQuiet(t *testing.T) {
	end := make(chan struct{})
	b := newBench(t, 2, func(context.Context, *Turn) time.Duration { <-end; return 0 })
	quiet := make(chan int, 10)
	b.WhenQuiet(20*time.Millisecond, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		quiet <- b.active
	})
	<-quiet // of the start
	for range 3 {
		b.Request(releaseID("a"), releaseID("b"))
		b.next()
		b.next()
		end <- struct{}{}
		select {
		case <-quiet:
			t.Fatal("told while one was under way")
		case <-time.After(60 * time.Millisecond):
		}
		end <- struct{}{}
		if n := <-quiet; n != 0 {
			t.Errorf("told with %d under way", n)
		}
	}
	b.idle()
	if n := len(quiet); n > 0 {
		t.Errorf("told %d times too often", n)
	}
}
