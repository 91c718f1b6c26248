package health

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// session is one call of Wait. All of it belongs to the calling goroutine, but for the one
// diagnosis that may be under way, which works on copies.
type session struct {
	w        *Waiter
	t        Target
	progress func(model.ObjectHealth)

	health map[model.ObjectKey]model.Health
	unsure error // why the source does not know; nil when it does

	feeds   map[string]*feed
	leave   []func()
	changed chan struct{} // any feed changed
	stop    chan struct{}
	running context.Context // of the diagnosis under way; ends with the session
	end     context.CancelFunc

	unready  time.Time // when pods were first seen not ready
	again    <-chan time.Time
	looked   map[model.ObjectKey]uint64 // symptoms at the last diagnosis
	looking  bool
	results  chan outcome
	due      time.Time // when a cause becomes final
	baseline map[containerID]int32
	causes   map[model.ObjectKey][]model.Cause
	errs     map[model.ObjectKey]error
}

// outcome is what one diagnosis found.
type outcome struct {
	causes map[model.ObjectKey][]model.Cause
	errs   map[model.ObjectKey]error
	due    time.Time
}

func (w *Waiter) newSession(ctx context.Context, t Target, progress func(model.ObjectHealth)) *session {
	if t.Since.IsZero() {
		t.Since = time.Now()
	}
	running, end := context.WithCancel(ctx)
	return &session{
		w: w, t: t, progress: progress, running: running, end: end,
		health: map[model.ObjectKey]model.Health{}, feeds: map[string]*feed{},
		changed: make(chan struct{}, 1), stop: make(chan struct{}),
		looked: map[model.ObjectKey]uint64{}, results: make(chan outcome, 1),
		baseline: map[containerID]int32{}, causes: map[model.ObjectKey][]model.Cause{}, errs: map[model.ObjectKey]error{},
	}
}

func (s *session) close() {
	s.end()
	close(s.stop)
	for _, leave := range s.leave {
		leave()
	}
}

// observe takes the source's word, as far as it is about this rollout.
func (s *session) observe(src Source) {
	live, err := src.Observe(s.t.Keys)
	s.unsure = err
	for _, key := range s.t.Keys {
		l, ok := live[key]
		h := s.judge(key, l, ok, err)
		if old, seen := s.health[key]; !seen || old != h {
			s.health[key] = h
			if s.progress != nil {
				s.progress(model.ObjectHealth{Key: key, Health: h})
			}
		}
	}
}

func (s *session) judge(key model.ObjectKey, l model.Live, ok bool, err error) model.Health {
	switch {
	case err != nil:
		return model.Health{Status: model.Unknown, Reason: "Unobserved", Message: oneLine(err.Error())}
	case !ok && key.Group == "batch" && key.Kind == "Job" && s.health[key].Status == model.Healthy:
		return s.health[key] // completed, and cleaned up since
	case !ok:
		return model.Health{Status: model.Missing, Reason: "Missing", Message: "not there"}
	case older(l.ResourceVersion, s.t.Versions[key]):
		return progressing(ReasonNotObserved, "applied, not seen yet")
	case l.Deleting:
		return progressing(ReasonTerminating, "being deleted")
	case l.Health.Status == "":
		return model.Health{Status: model.Unknown, Reason: "Unobserved", Message: "its health is not known"}
	}
	return l.Health
}

// older compares resource versions, which the API server has made comparable: numbers that grow
// (KEP-5504). Versions that are no numbers are never called older.
func older(seen, written string) bool {
	if written == "" || seen == written {
		return false
	}
	a, errA := strconv.ParseUint(seen, 10, 64)
	b, errB := strconv.ParseUint(written, 10, 64)
	return errA == nil && errB == nil && a < b
}

func done(h model.Health) bool { return h.Status == model.Healthy || h.Status == model.Suspended }

func (s *session) healthy() bool {
	if s.unsure != nil {
		return false
	}
	for _, key := range s.t.Keys {
		if !done(s.health[key]) {
			return false
		}
	}
	return true
}

// follow decides what to look at more closely now: opens feeds, starts a diagnosis, sets the
// alarm for the next time to look.
func (s *session) follow() {
	now := time.Now()
	wake := time.Time{}
	if s.unsure != nil {
		s.wakeAt(now.Add(blind), now)
		return
	}
	pods := s.waitingForPods()
	switch {
	case len(pods) == 0:
		s.unready = time.Time{}
	case s.unready.IsZero():
		s.unready = now
		wake = now.Add(settle)
	case now.Sub(s.unready) >= settle:
		s.openFeeds(pods)
	default:
		wake = s.unready.Add(settle)
	}
	if !s.looking { // else what is new now is found new again when the look is over
		if suspects := s.suspects(pods, now); len(suspects) > 0 {
			s.look(suspects)
		}
	}
	if !s.due.IsZero() && (wake.IsZero() || s.due.Before(wake)) {
		wake = s.due
	}
	s.wakeAt(wake, now)
}

func (s *session) wakeAt(t, now time.Time) {
	s.again = nil
	if !t.IsZero() && !s.looking {
		s.again = time.After(max(t.Sub(now), 10*time.Millisecond))
	}
}

// waitingForPods are the workloads whose pods exist or should, and are not ready.
func (s *session) waitingForPods() map[model.ObjectKey]bool {
	keys := map[model.ObjectKey]bool{}
	for _, key := range s.t.Keys {
		h := s.health[key]
		if runsPods(key) && !done(h) && h.Status != model.Missing && h.Reason != ReasonNotObserved && h.Reason != ReasonTerminating {
			keys[key] = true
		}
	}
	return keys
}

func (s *session) openFeeds(workloads map[model.ObjectKey]bool) {
	if s.w.feeds == nil {
		return
	}
	for key := range workloads {
		if s.feeds[key.Namespace] != nil {
			continue
		}
		f, changed, leave := s.w.feeds.subscribe(key.Namespace)
		s.feeds[key.Namespace] = f
		s.leave = append(s.leave, leave)
		go s.forward(changed)
	}
}

// forward joins the feeds' signals into one.
func (s *session) forward(from <-chan struct{}) {
	for {
		select {
		case <-from:
			select {
			case s.changed <- struct{}{}:
			default:
			}
		case <-s.stop:
			return
		}
	}
}

// suspects are the objects that a diagnosis would say something new of.
func (s *session) suspects(pods map[model.ObjectKey]bool, now time.Time) []model.ObjectKey {
	found := map[model.ObjectKey]bool{}
	for ns, f := range s.feeds {
		if !f.synced() {
			continue
		}
		countRestarts(f, s.t.Since, s.baseline)
		for key, sum := range symptoms(f, pods, s.t.Since) {
			if key.Namespace == ns && s.looked[key] != sum {
				s.looked[key] = sum
				found[key] = true
			}
		}
	}
	for _, key := range s.t.Keys {
		h := s.health[key]
		_, known := s.causes[key]
		if (h.Final || h.Status == model.Degraded) && !known {
			found[key] = true
		}
		if known && h.Final && !anyFinal(s.causes[key]) {
			found[key] = true
		}
	}
	if !s.due.IsZero() && !now.Before(s.due) {
		s.due = time.Time{}
		for key := range s.causes {
			if !done(s.health[key]) {
				found[key] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), model.ObjectKey.Compare)
}

func anyFinal(causes []model.Cause) bool {
	return slices.ContainsFunc(causes, func(c model.Cause) bool { return c.Final })
}

// look starts a diagnosis beside the waiting: reading a log may take longer than getting ready.
func (s *session) look(keys []model.ObjectKey) {
	s.looking = true
	r, opts := s.reader(), s.options()
	finals := map[model.ObjectKey]model.Health{}
	for _, k := range keys {
		finals[k] = s.health[k]
	}
	go func() {
		ctx, cancel := context.WithTimeout(s.running, oneLook)
		defer cancel()
		s.results <- diagnoseAll(ctx, r, finals, opts)
	}()
}

func (s *session) reader() Reader {
	return fedReader{Reader: s.w.reader, feeds: maps.Clone(s.feeds)}
}

// options gives each object what is known of the others.
func (s *session) options() func(model.ObjectKey) Options {
	base := Options{
		Rules: s.w.rules, Release: s.t.Keys, Since: s.t.Since, Locate: s.t.Locate,
		Now: time.Now(), baseline: maps.Clone(s.baseline),
	}
	starting := map[model.ObjectKey]bool{}
	for key := range s.waitingForPods() {
		starting[key] = !slices.ContainsFunc(s.causes[key], func(c model.Cause) bool { return c.Reason != ReasonPodsNotReady })
	}
	return func(key model.ObjectKey) Options {
		o := base
		for peer, is := range starting {
			o.PeersStarting = o.PeersStarting || is && peer != key
		}
		return o
	}
}

func diagnoseAll(ctx context.Context, r Reader, keys map[model.ObjectKey]model.Health, opts func(model.ObjectKey) Options) outcome {
	out := outcome{causes: map[model.ObjectKey][]model.Cause{}, errs: map[model.ObjectKey]error{}}
	for key, h := range keys {
		o := opts(key)
		causes, again, err := diagnose(ctx, r, key, o)
		if err != nil {
			out.errs[key] = err
			causes = append(causes, unread(key, h, err))
		}
		if h.Final {
			// The object itself says that it is over, whatever its pods let see.
			for i := range causes {
				causes[i].Final = true
			}
		}
		out.causes[key] = causes
		if again > 0 {
			due := o.Now.Add(again)
			if out.due.IsZero() || due.Before(out.due) {
				out.due = due
			}
		}
	}
	return out
}

// unread is the cause where the cause could not be read: what is known, and why no more.
func unread(key model.ObjectKey, h model.Health, err error) model.Cause {
	return model.Cause{
		Object: key, Summary: h.Message, Reason: h.Reason,
		Links: []model.Link{{Role: model.RoleCause, Object: key, Text: fmt.Sprintf("%s; its cause cannot be read: %s", orStatus(h), oneLine(err.Error()))}},
		Next:  "give the service account the right to read pods, events and logs; fairlead chart rbac --diagnose prints it",
	}
}

func orStatus(h model.Health) string {
	if h.Message != "" {
		return h.Message
	}
	return "is " + string(h.Status)
}

// learn takes in what a diagnosis found, and reports whether it ends the waiting.
func (s *session) learn(r outcome) bool {
	s.looking = false
	maps.Copy(s.causes, r.causes)
	maps.Copy(s.errs, r.errs)
	if !r.due.IsZero() && (s.due.IsZero() || r.due.Before(s.due)) {
		s.due = r.due
	}
	for key, causes := range r.causes {
		if !done(s.health[key]) && anyFinal(causes) {
			return true
		}
	}
	return false
}

// lookOnce diagnoses all that is not healthy, after time is up.
func (s *session) lookOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	keys := map[model.ObjectKey]model.Health{}
	for _, key := range s.t.Keys {
		if h := s.health[key]; !done(h) && h.Status != model.Unknown {
			keys[key] = h
		}
	}
	s.learn(diagnoseAll(ctx, s.reader(), keys, s.options()))
}
