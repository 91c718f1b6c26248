package controller

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/health"
	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestRetryAfter(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want time.Duration
	}{
		"invalid":           {&model.Error{Kind: model.ErrInvalid}, 0},
		"not found":         {&model.Error{Kind: model.ErrNotFound}, 0},
		"denied":            {fmt.Errorf("applying: %w", &model.Error{Kind: model.ErrDenied}), deniedPause},
		"transient":         {&model.Error{Kind: model.ErrTransient}, 2 * time.Second},
		"unknown":           {errors.New("what"), 2 * time.Second},
		"conflict":          {&model.Error{Kind: model.ErrConflict}, 2 * time.Second},
		"unknown kind":      {&model.Error{Kind: model.ErrInvalid, Reason: kube.ReasonUnknownKind}, 2 * time.Second},
		"missing namespace": {&model.Error{Kind: model.ErrNotFound, Reason: kube.ReasonNamespaceNotFound}, 2 * time.Second},
		"shutdown":          {fmt.Errorf("reading: %w", context.Canceled), 0},
		"superseded":        {health.ErrSuperseded, 0},
	} {
		if got := new(Reconciler).retryAfter(releaseID("a"), c.err); got != c.want {
			t.Errorf("%s: again after %s, want %s", name, got, c.want)
		}
	}
}

func TestRetriesSpaceOut(t *testing.T) {
	var b retries
	id := releaseID("a")
	for _, want := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300, 300} {
		if got := b.next(id); got != want*time.Second {
			t.Errorf("got %s, want %ds", got, want)
		}
	}
	if got := b.next(releaseID("b")); got != 2*time.Second {
		t.Errorf("another release waits %s", got)
	}
	now := time.Now()
	b.rest(id, now.Add(time.Minute))
	if b.wait(id, now) != time.Minute || b.wait(id, now.Add(time.Hour)) != 0 {
		t.Error("a half-applied release does not rest as long as it should")
	}
	b.forget(id)
	if b.wait(id, now) != 0 || b.next(id) != 2*time.Second {
		t.Error("a forgotten release is remembered")
	}
}

// TestKnown: the history is completed by what was just written, until the watch has told of it.
func TestKnown(t *testing.T) {
	rel := model.Release{ID: releaseID("web"), Namespace: "dev", Name: "web"}
	renamed := rel
	renamed.Name = "other"
	rec := func(n int, inputs string) model.Record { return model.Record{Revision: n, Owner: "me", Inputs: inputs} }
	at := releaseName{"dev", "web"}
	r := &Reconciler{
		written: map[model.ReleaseID]*written{}, live: live.New(t.Context(), nil, live.Options{}),
		names: map[releaseName]model.ReleaseID{at: rel.ID},
	}
	last := func(rel model.Release, history ...model.Record) string {
		rec := newest(r.known(rel, history))
		if rec == nil {
			return "none"
		}
		return fmt.Sprint(rec.Revision, rec.Inputs)
	}
	want := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	want("nothing written", last(rel), "none")
	two := rec(2, "written")
	r.remember(rel, &two)
	want("not told yet", last(rel, rec(1, "old")), "2written")
	want("under another name", last(renamed), "none")
	want("told", last(rel, rec(1, "old"), rec(2, "as told")), "2written")
	r.remember(rel, &two)
	want("deleted after it was told", last(rel), "none")
	want("and forgotten", last(rel, rec(1, "old")), "1old")
	r.remember(rel, &two)
	r.seen(&live.Stored{Release: "web", Revision: 1, Meta: metav1.ObjectMeta{Namespace: "dev"}})
	want("an older one is told", last(rel), "2written")
	r.seen(&live.Stored{Release: "web", Revision: 2, Meta: metav1.ObjectMeta{Namespace: "dev"}})
	want("deleted after the watch told it, while no turn ran", last(rel), "none")
	r.remember(rel, &two)
	want("overtaken", last(rel, rec(3, "newer")), "3newer")
}
