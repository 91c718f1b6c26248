package live

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// upsert takes in an object that exists, and gives the events to send. list is set while a list is
// taken: what is in it is still there.
func (k *kind) upsert(o observation, list bool) []Event {
	live := k.liveOf(o)
	rv := version(live.ResourceVersion)
	s := k.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if !list {
		k.seen = max(k.seen, rv)
	}
	old := k.entries[name{live.Key.Namespace, live.Key.Name}]
	if old != nil && rv < old.rv {
		old.list = k.list // older than what an apply returned, and there
		return nil
	}
	e := entry{live: live, rv: rv, list: k.list}
	if live.Release != "" {
		e.rel = s.release(live.Release)
		e.live.Release = e.rel.label
	}
	if isSecret(live.Key) {
		e.stored = storedOf(o.meta)
	}
	var before entry
	if old != nil {
		before = *old
	}
	now := k.put(e)
	e.rel.wake()
	if !k.isSynced() {
		return nil // checked as a whole at the end of the first list
	}
	return s.changes(before, now)
}

// remove takes in that an object is gone as of rv, and gives the events to send.
func (k *kind) remove(at name, rv uint64) []Event {
	s := k.store
	s.mu.Lock()
	defer s.mu.Unlock()
	k.seen = max(k.seen, rv)
	e := k.entries[at]
	if e == nil || rv < e.rv {
		return nil // unknown, or applied anew since
	}
	return k.drop(e)
}

// sweep removes what was not in the complete list as of rv. Only now is absence known.
func (k *kind) sweep(rv uint64) []Event {
	s := k.store
	s.mu.Lock()
	defer s.mu.Unlock()
	k.seen = max(k.seen, rv)
	var events []Event
	for _, e := range k.entries {
		if e.list != k.list && e.rv <= rv {
			events = append(events, k.drop(e)...)
		}
	}
	return events
}

// put stores an entry in all indexes. The lock is held.
func (k *kind) put(e entry) *entry {
	s, key := k.store, e.live.Key
	at := name{key.Namespace, key.Name}
	now := k.entries[at]
	if now == nil {
		now = &entry{}
		k.entries[at] = now
	}
	if now.rel != nil && now.rel != e.rel {
		delete(now.rel.objects, key)
		now.rel.wake()
	}
	if e.rel != nil {
		e.rel.objects[key] = now
		delete(e.rel.done, key)
	}
	if now.stored != nil || e.stored != nil {
		s.restore(now.stored, e.stored)
	}
	*now = e
	return now
}

// drop removes an entry from all indexes and gives the events to send. The lock is held.
func (k *kind) drop(e *entry) []Event {
	s, key := k.store, e.live.Key
	delete(k.entries, name{key.Namespace, key.Name})
	if e.stored != nil {
		s.restore(e.stored, nil)
	}
	ev := Event{Type: Deleted, Key: key, Live: e.live, HealthChanged: true, Record: e.stored}
	if r := e.rel; r != nil {
		delete(r.objects, key)
		r.expired(e)
		r.wake()
		ev.Release, ev.Drift = r.label, r.drifted(key, r.done[key])
		if ev.Drift && r.holds > 0 {
			ev.Drift = false
			r.suspects(key)
		}
	}
	if isCRD(key) {
		s.client.Forget(key.Name)
	}
	return []Event{ev}
}

// changes are the events for an entry that was before and is now. The lock is held.
func (s *Store) changes(before entry, now *entry) []Event {
	var events []Event
	key := now.live.Key
	if r := before.rel; r != nil && r != now.rel {
		// The label was taken off or changed: for the release it had, the object is gone.
		ev := Event{Type: Deleted, Release: r.label, Key: key, Live: before.live, HealthChanged: true, Drift: r.drifted(key, nil)}
		if ev.Drift && r.holds > 0 {
			ev.Drift = false
			r.suspects(key)
		}
		events = append(events, ev)
	}
	ev := Event{Type: Modified, Key: key, Live: now.live, Record: now.stored}
	if before.live.UID == "" {
		ev.Type = Added
		if isCRD(key) {
			s.client.Invalidate() // a chart may ask for what the cluster offers now
		}
	}
	ev.HealthChanged = before.live.Health != now.live.Health
	if r := now.rel; r != nil {
		ev.Release, ev.Drift = r.label, r.drifted(key, now)
		if ev.Drift && r.holds > 0 {
			ev.Drift = false
			r.suspects(key)
		}
	}
	if !ev.Drift && !ev.HealthChanged && ev.Type == Modified && before.live.Deleting == now.live.Deleting &&
		before.rel == now.rel && (before.rv == now.rv || !config(key)) {
		return events // only its status moved
	}
	return append(events, ev)
}

// config reports whether the content of a kind matters to those who refer to it.
func config(k model.ObjectKey) bool {
	return k.Group == "" && (k.Kind == "Secret" || k.Kind == "ConfigMap")
}

func isCRD(key model.ObjectKey) bool {
	return schema.GroupKind{Group: key.Group, Kind: key.Kind} == crdKind
}

// settled ends the first list: everything of this kind that records expect is compared once.
func (k *kind) settled() []Event {
	s := k.store
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !k.isSynced()
	k.set(func() { k.complete = true })
	if !first {
		return nil
	}
	var events []Event
	for _, r := range s.releases {
		for key := range r.want {
			if key.Group == k.gvk.Group && key.Kind == k.gvk.Kind {
				events = append(events, s.check(r, key)...)
			}
		}
	}
	return events
}
