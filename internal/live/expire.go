package live

import (
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Jobs with ttlSecondsAfterFinished are deleted by Kubernetes, whether they completed or failed. The
// store remembers those that completed: they are what their release wants for as long as it wants
// them. What failed is missing then, though nothing calls for it to be run again.

// Recall tells the store which objects completed and went before it was there, as a release's record
// says.
func (s *Store) Recall(label string, inv model.Inventory) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(inv, model.Owned.Done) {
		s.release(label).recall(inv)
	}
}

// recall is called with the lock held.
func (r *release) recall(inv model.Inventory) {
	for _, o := range inv {
		if !o.Done() || r.done[o.Key] != nil || r.objects[o.Key] != nil {
			continue
		}
		r.expire(o.Key, true)
		r.remember(o.Key, &entry{rel: r, live: model.Live{
			Key: o.Key, Release: r.label, Fields: o.Fields, Gone: true,
			Health: model.Health{Status: model.Healthy, Message: "completed"},
		}})
	}
}

// Finish notes in an inventory what the store saw complete of what expires. It gives the inventory
// itself where there is nothing new.
func (s *Store) Finish(label string, inv model.Inventory) model.Inventory {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.releases[label]
	if r == nil {
		return inv
	}
	out := inv
	for i, o := range inv {
		if o.Stays != model.StaysUntilDone {
			continue
		}
		e := r.objects[o.Key]
		if e == nil {
			e = r.done[o.Key]
		}
		if e == nil || e.live.Health.Status != model.Healthy || e.live.Fields != o.Fields {
			continue
		}
		if &out[0] == &inv[0] {
			out = slices.Clone(inv)
		}
		out[i].Stays = model.StaysDone
	}
	return out
}

// expired takes in that an object is gone, where Kubernetes is to delete it some time. The lock is
// held, as it is for what follows.
func (r *release) expired(e *entry) {
	key := e.live.Key
	if !r.expires[key] {
		return
	}
	switch {
	case e.live.Health.Status == model.Healthy:
		gone := *e
		gone.live.Gone, gone.live.Deleting = true, false
		r.remember(key, &gone)
	case e.live.Health.Final:
		delete(r.want, key) // it failed: it was told then, and is not run again for being gone
	}
}

func (r *release) remember(key model.ObjectKey, e *entry) {
	if e == nil {
		return
	}
	if r.done == nil {
		r.done = map[model.ObjectKey]*entry{}
	}
	r.done[key] = e
}

func (r *release) expire(key model.ObjectKey, does bool) {
	switch {
	case !does:
		delete(r.expires, key)
	case r.expires == nil:
		r.expires = map[model.ObjectKey]bool{key: true}
	default:
		r.expires[key] = true
	}
}

// lose forgets an object that the release does not have any more.
func (r *release) lose(key model.ObjectKey) {
	delete(r.want, key)
	delete(r.expires, key)
	delete(r.done, key)
}
