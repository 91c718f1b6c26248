package record

import (
	"strings"
	"testing"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// alive and gone tell of the processes of this machine.
func alive(string) bool { return false }
func gone(string) bool  { return true }

func TestLock(t *testing.T) {
	c := startCluster(t)
	ctx, ns := t.Context(), c.namespace(t)
	s := NewStore(c.CoreV1().RESTClient(), time.Now)
	me := Holder{Who: "me on here", Doing: "deploy", Proc: "a"}
	other := Holder{Who: "other on there", Doing: "rollback", Proc: "b", Job: "https://ci.example.com/7"}

	first, err := s.Lock(ctx, ns, "web", me, alive, nil)
	if err != nil {
		t.Fatal(err)
	}
	// One that is alive renews it, and whoever sees that gives up.
	_, err = s.Lock(ctx, ns, "web", other, alive, nil)
	if model.KindOf(err) != model.ErrConflict || !strings.Contains(err.Error(), "deploy by me on here since") {
		t.Errorf("a second lock: %v", err)
	}
	if _, err := s.Lock(ctx, ns, "api", other, alive, nil); err != nil {
		t.Errorf("a lock of another release: %v", err)
	}
	// One whose process is known to be gone is taken over at once, and notices when it is not.
	second, err := s.Lock(ctx, ns, "web", other, gone, nil)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.Lost:
	case <-time.After(time.Minute):
		t.Error("the first holder does not notice")
	}
	if err := first.Unlock(ctx); err != nil {
		t.Errorf("giving up what was taken over: %v", err)
	}
	_, err = s.Lock(ctx, ns, "web", me, alive, nil)
	if err == nil || !strings.Contains(err.Error(), "https://ci.example.com/7") {
		t.Errorf("after a foreign unlock: %v", err)
	}
	if err := second.Unlock(ctx); err != nil {
		t.Error(err)
	}
	third, err := s.Lock(ctx, ns, "web", me, alive, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Unlock(ctx); err != nil {
		t.Error(err)
	}
	// A lock is no record.
	if history, err := s.History(ctx, ns, "api"); err != nil || len(history) != 0 {
		t.Errorf("history of a locked release: %v, %v", history, err)
	}
	if _, err := s.Lock(ctx, "no-such-namespace", "web", me, alive, nil); model.KindOf(err) != model.ErrNotFound {
		t.Errorf("in a namespace that does not exist: %v", err)
	}
}
