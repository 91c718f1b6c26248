package live

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// startTimeout bounds how long Applied waits for the first list of a kind that is new.
const startTimeout = 10 * time.Second

// Applied tells the store what an apply returned, so that the store never lags behind our own
// writes and their echo is not taken for drift.
func (s *Store) Applied(label string, r model.Result) {
	c := r.Change
	if r.Skipped || r.Err != nil && r.UID == "" {
		return
	}
	switch c.Action {
	case model.ActionPrune:
		s.mu.Lock()
		s.release(label).lose(c.Key)
		s.mu.Unlock()
		return
	case model.ActionUnchanged:
		if c.Desired != nil && c.Desired.Expires {
			s.mu.Lock()
			s.release(label).expire(c.Key, true)
			s.mu.Unlock()
		}
		return
	case model.ActionConflict:
		return
	}
	if c.Unowned && s.options.Scoped {
		return // made for others as well: nobody waits for it
	}
	gvk := schema.GroupVersionKind{Group: c.Key.Group, Version: c.Version, Kind: c.Key.Kind}
	ctx, cancel := context.WithTimeout(s.ctx, startTimeout)
	defer cancel()
	if err := s.EnsureIn(ctx, Place{gvk, c.Key.Namespace}); err != nil {
		s.log.Warn("watching what was applied", "kind", gvk.Kind, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var rel *release // an object made for all, as a namespace is, belongs to no release
	if !c.Unowned {
		rel = s.release(label)
		rel.expire(c.Key, c.Desired != nil && c.Desired.Expires)
		if r.Err == nil {
			rel.want[c.Key] = r.Fields
		}
	}
	if k := s.kinds[s.placeOf(c.Key)]; k != nil {
		k.applied(rel, r)
	}
}

// applied notes the answer to an apply, unless the watch is ahead of it. The lock is held.
func (k *kind) applied(rel *release, r model.Result) {
	rv := version(r.ResourceVersion)
	key := r.Change.Key
	e := k.entries[name{key.Namespace, key.Name}]
	switch {
	case e == nil && rv <= k.seen:
		return // the watch told of its deletion already
	case e != nil && rv <= e.rv:
		return
	}
	live := model.Live{Key: key}
	if e != nil && e.live.UID == r.UID {
		live = e.live
	}
	live.UID, live.ResourceVersion, live.Fields = r.UID, r.ResourceVersion, r.Fields
	if rel != nil {
		live.Release = rel.label
	}
	if k.health != nil {
		// What the object's controller makes of the change is not known yet.
		live.Health = model.Health{Status: model.Progressing, Reason: "NotObserved", Message: "applied, not observed yet"}
	} else {
		live.Health = model.Health{Status: model.Healthy}
	}
	var stored *Stored
	if e != nil {
		stored = e.stored
	}
	k.put(entry{live: live, rv: rv, list: k.list, rel: rel, stored: stored})
	rel.wake()
}

// Expect tells the store what a release's record says, in place of what it was told before, so
// that drift from it is recognized. An object that differs already from what is new in the record is
// told as drift now, or when the first list of its kind is complete; what was expected before and
// still is, was told before: a repair that fails does not call for itself. A nil inventory forgets
// the release.
func (s *Store) Expect(label string, inv model.Inventory) {
	s.mu.Lock()
	r := s.release(label)
	before, done := r.want, r.done
	r.want = make(map[model.ObjectKey]string, len(inv))
	r.expires, r.done = nil, nil
	for _, o := range inv {
		if o.Expires() {
			r.expire(o.Key, true)
			r.remember(o.Key, done[o.Key])
		}
	}
	r.recall(inv)
	var events []Event
	for _, o := range inv {
		if o.Fields == "" {
			continue
		}
		r.want[o.Key] = o.Fields
		if old, ok := before[o.Key]; !ok || old != o.Fields || done[o.Key] != nil && r.done[o.Key] == nil {
			events = append(events, s.check(r, o.Key)...)
		}
	}
	if len(inv) == 0 && len(r.objects) == 0 && r.holds == 0 && r.changed == nil {
		delete(s.releases, label)
	}
	s.mu.Unlock()
	s.emit(events)
}

// Hold keeps drift events of a release back while a run writes to it; the function it returns ends
// that, and sends what is still drift then.
func (s *Store) Hold(label string) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release(label).holds++
	ended := false
	return func() {
		s.mu.Lock()
		var events []Event
		if r := s.release(label); !ended {
			ended = true
			if r.holds--; r.holds == 0 {
				for key := range r.suspect {
					events = append(events, s.check(r, key)...)
				}
				r.suspect = nil
			}
		}
		s.mu.Unlock()
		s.emit(events)
	}
}

// Drifted are those of keys that others changed or deleted since the release is held. What another
// release has now is not among them: nothing can be done about it.
func (s *Store) Drifted(label string, keys []model.ObjectKey) []model.ObjectKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.releases[label]
	if r == nil || len(r.suspect) == 0 {
		return nil
	}
	var drifted []model.ObjectKey
	for _, key := range keys {
		if !r.suspect[key] {
			continue
		}
		if e, is := s.compare(r, key); is && (e == nil || e.rel == nil || e.rel == r) {
			drifted = append(drifted, key)
		}
	}
	return drifted
}

// check looks for drift of one object and gives the event to send, if any. The lock is held.
func (s *Store) check(r *release, key model.ObjectKey) []Event {
	e, drifted := s.compare(r, key)
	if !drifted {
		return nil
	}
	if r.holds > 0 {
		r.suspects(key)
		return nil
	}
	ev := Event{Type: Deleted, Release: r.label, Key: key, Live: model.Live{Key: key}, Drift: true}
	if e != nil && e.rel == r {
		ev.Type, ev.Live = Modified, e.live
	}
	return []Event{ev}
}

// compare finds an object of a release, nil when it is gone, and whether it drifted, which is not
// known while the list of its kind is not complete. The lock is held.
func (s *Store) compare(r *release, key model.ObjectKey) (e *entry, drifted bool) {
	k := s.kinds[s.placeOf(key)]
	if k == nil || !k.isSynced() {
		return nil, false // told when its list is complete
	}
	if e = k.entries[name{key.Namespace, key.Name}]; e == nil {
		e = r.done[key]
	}
	return e, r.drifted(key, e)
}

// drifted reports whether an object (nil: gone) differs from what the release applied last. One
// that is being deleted is told when it is gone: nothing can be done before.
func (r *release) drifted(key model.ObjectKey, e *entry) bool {
	want, ok := r.want[key]
	if !ok {
		return false
	}
	return e == nil || e.rel != r || !e.live.Deleting && e.live.Fields != want
}

func (r *release) suspects(key model.ObjectKey) {
	if r.suspect == nil {
		r.suspect = map[model.ObjectKey]bool{}
	}
	r.suspect[key] = true
}
