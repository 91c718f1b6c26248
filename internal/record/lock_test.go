package record

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

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

// lossy loses the answer to the next renewal, after the server has carried it out.
type lossy struct {
	http.RoundTripper
	lose atomic.Bool
}

// RoundTrip is part of http.RoundTripper.
func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.RoundTripper.RoundTrip(r)
	if err == nil && r.Method == http.MethodPut && l.lose.CompareAndSwap(true, false) {
		res.Body.Close()
		return nil, errors.New("the answer was lost")
	}
	return res, err
}

// A lock whose renewal was written and never answered is still held, and given up in the end.
func TestLockLostAnswer(t *testing.T) {
	c := startCluster(t)
	ctx, ns := t.Context(), c.namespace(t)
	net := &lossy{}
	cfg, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		net.RoundTripper = next
		return net
	})
	set, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	me := Holder{Who: "me on here", Doing: "deploy", Proc: "a"}
	l, err := NewStore(set.CoreV1().RESTClient(), time.Now).Lock(ctx, ns, "web", me, alive, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.cancel() // renewed by hand from here
	<-l.done
	lose := func() {
		t.Helper()
		net.lose.Store(true)
		if err := l.renew(ctx); model.KindOf(err) != model.ErrTransient {
			t.Fatalf("a renewal without an answer: %v", err)
		}
	}
	lose()
	if err := l.renew(ctx); err != nil {
		t.Errorf("the renewal after it: %v", err)
	}
	lose()
	if err := l.Unlock(ctx); err != nil {
		t.Error(err)
	}
	if _, err := c.CoreV1().Secrets(ns).Get(ctx, lockName("web"), metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the lock is left behind: %v", err)
	}
}
