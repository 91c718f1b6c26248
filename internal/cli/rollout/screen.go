package rollout

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/cli/diff"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

var headStyles = map[string]output.Style{"…": output.Busy, "✓": output.Good, "✗": output.Bad}

// maxLines is how many objects a live block shows; the others are counted.
const maxLines = 15

// Screen shows a run on the talk stream.
type Screen struct {
	io   *output.Streams
	now  func() time.Time
	name string // of the release
	verb deploy.Verb
	// quietPlan leaves the plan out: it is the data then.
	quietPlan bool

	mu       sync.Mutex
	progress *output.Progress // nil while nothing goes on
	head     string
	mark     string
	start    time.Time
	objects  map[model.ObjectKey]model.Health
	settled  map[model.ObjectKey]bool // unchanged by the plan: shown only where they are not healthy
	stop     chan struct{}
}

// NewScreen makes the screen of one run.
func NewScreen(io *output.Streams, now func() time.Time, verb deploy.Verb, name string) *Screen {
	return &Screen{io: io, now: now, verb: verb, name: name}
}

// Step is part of deploy.Observer.
func (s *Screen) Step(step deploy.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	switch step {
	case deploy.StepRun:
		s.begin(map[deploy.Verb]string{
			deploy.VerbRollback: "rolling back", deploy.VerbUninstall: "uninstalling", deploy.VerbApply: "applying",
		}[s.verb])
	case deploy.StepRollback:
		s.settled = nil
		s.begin("failed: going back")
	}
}

// Planned is part of deploy.Observer.
func (s *Screen) Planned(p model.Plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = map[model.ObjectKey]bool{}
	var left []string
	for _, c := range p.Changes() {
		if c.Action == model.ActionUnchanged {
			s.settled[c.Key] = true
			if c.Desired == nil {
				left = append(left, c.Key.Short())
			}
		}
	}
	if len(left) > 0 {
		how := "(--prune deletes it)"
		if s.verb == deploy.VerbRollback {
			how = "(the revision that is left had left it as well)"
		}
		s.io.Say("no longer desired, and left as it is %s: %s", how, strings.Join(left, ", "))
	}
	if !s.quietPlan {
		fmt.Fprint(s.io.Err, diff.Text(s.name, s.io.ErrPaint(), &p))
	}
}

// Progress is part of deploy.Observer.
func (s *Screen) Progress(h model.ObjectHealth) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress == nil {
		s.io.Say("%s %s  %s", mark(h.Health), h.Key.Short(), describe(h.Health))
		return
	}
	if _, shown := s.objects[h.Key]; !shown && s.settled[h.Key] && (h.Health.Status == model.Healthy || h.Health.Reason == string(model.ActionUnchanged)) {
		return
	}
	s.objects[h.Key] = h.Health
	s.show()
}

// Finished is part of deploy.Observer: what there is to say then, Finish says.
func (s *Screen) Finished(r deploy.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress != nil && s.io.Live {
		if s.head, s.mark = "done", "✓"; !r.OK() {
			s.head, s.mark = "failed", "✗"
		}
		s.show()
	}
	s.end()
}

// begin opens a block. The lock is held.
func (s *Screen) begin(head string) {
	if head == "" {
		head = "deploying"
	}
	s.progress, s.head, s.mark, s.start = output.NewProgress(s.io, s.now), head, "…", s.now()
	s.objects = map[model.ObjectKey]model.Health{}
	s.stop = make(chan struct{})
	go s.clock(s.stop)
	s.show()
}

// end closes the block. The lock is held.
func (s *Screen) end() {
	if s.progress == nil {
		return
	}
	close(s.stop)
	s.progress.Close(true)
	s.progress = nil
}

func (s *Screen) clock(stop chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		s.mu.Lock()
		if s.progress != nil && s.stop == stop {
			s.show()
			s.progress.Tick()
		}
		s.mu.Unlock()
	}
}

// show draws the block: what is not done first. The lock is held.
func (s *Screen) show() {
	items := []output.Item{{
		Key: "release", Style: headStyles[s.mark], Mark: s.mark, Text: s.name + "  " + s.head, Note: output.Age(s.now().Sub(s.start)),
	}}
	keys := make([]model.ObjectKey, 0, len(s.objects))
	for k := range s.objects {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b model.ObjectKey) int {
		x, y := healthy(s.objects[a]), healthy(s.objects[b])
		switch {
		case x == y:
			return a.Compare(b)
		case x == s.io.Live:
			return 1 // at the end of a block, or before what a heartbeat names as waited for
		}
		return -1
	})
	for i, k := range keys {
		if s.io.Live && i == maxLines {
			items = append(items, output.Item{Key: "more", Style: output.Quiet, Text: fmt.Sprintf("  and %d more", len(keys)-i)})
			break
		}
		h := s.objects[k]
		items = append(items, output.Item{
			Key: k.String() + k.Namespace, Style: output.StatusStyle(string(h.Status)),
			Mark: "  " + mark(h), Text: strings.TrimSpace(k.Short() + "  " + describe(h)),
		})
	}
	s.progress.Show(items...)
}

func healthy(h model.Health) bool { return h.Status == model.Healthy || h.Status == model.Suspended }

func mark(h model.Health) string {
	switch output.StatusStyle(string(h.Status)) {
	case output.Good:
		return "✓"
	case output.Bad:
		return "✗"
	}
	return "…"
}

// describe is an object's health in words. What a write has done is not its health yet.
func describe(h model.Health) string {
	words := map[string]string{
		string(model.ActionCreate): "created", string(model.ActionUpdate): "changed", string(model.ActionRepair): "repaired",
		string(model.ActionAdopt): "taken over", string(model.ActionPrune): "deleted", string(model.ActionUnchanged): "unchanged",
	}
	if word, ok := words[h.Reason]; ok && h.Message == "" {
		return word
	}
	return strings.TrimSpace(string(h.Status) + "  " + h.Message)
}
