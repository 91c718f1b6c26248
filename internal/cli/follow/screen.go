package follow

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/cli/releases"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// screen is the progress of one release: a line for it, and one for each of its workloads.
type screen struct {
	progress *output.Progress
	start    time.Time
	now      func() time.Time
	granted  Granted

	mu      sync.Mutex
	view    releases.View
	objects map[model.ObjectKey]model.Health
	closed  bool
}

// release says how the release stands.
func (s *screen) release(v releases.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view = v
	s.show()
}

// object says how one of its workloads does; nil health is gone.
func (s *screen) object(key model.ObjectKey, h *model.Health) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		s.objects = map[model.ObjectKey]model.Health{}
	}
	if h == nil {
		delete(s.objects, key)
	} else {
		s.objects[key] = *h
	}
	s.show()
}

func (s *screen) show() {
	if s.closed || s.view.Name == "" {
		return
	}
	items := []output.Item{s.first()}
	keys := make([]model.ObjectKey, 0, len(s.objects))
	for k := range s.objects {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, model.ObjectKey.Compare)
	for _, k := range keys {
		h := s.objects[k]
		items = append(items, output.Item{
			Key: k.String(), Style: output.StatusStyle(string(h.Status)),
			Mark: "  " + mark(string(h.Status)), Text: fmt.Sprintf("%s  %s  %s", k.Short(), h.Status, h.Message),
		})
	}
	s.progress.Show(items...)
}

// first is the line for the release itself. What it was before the wish is no news.
func (s *screen) first() output.Item {
	v := &s.view
	it := output.Item{Key: "release", Note: output.Age(s.now().Sub(s.start))}
	if !s.granted.handled(*v) && v.Settled() {
		it.Style, it.Mark, it.Text = output.Quiet, "…", v.Short()+"  waiting for the controller"
		return it
	}
	it.Style, it.Mark = output.StatusStyle(string(v.Status)), mark(string(v.Status))
	if v.Status == releases.Held {
		it.Style, it.Mark = output.Good, "✓"
	}
	it.Text = strings.TrimSpace(fmt.Sprintf("%s  %s  %s", v.Short(), v.Status, v.Message))
	return it
}

func mark(status string) string {
	switch output.StatusStyle(status) {
	case output.Good:
		return "✓"
	case output.Bad:
		return "✗"
	}
	return "…"
}

// clock moves the progress on every second.
func (s *screen) clock(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		if !s.closed {
			s.show()
			s.progress.Tick()
		}
		s.mu.Unlock()
	}
}

func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.progress.Close(true)
}
