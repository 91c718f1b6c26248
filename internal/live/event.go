package live

import "github.com/fairlead-cd/fairlead/internal/model"

// EventType is what happened to an object.
type EventType string

// The types.
const (
	Added    EventType = "added"
	Modified EventType = "modified"
	Deleted  EventType = "deleted"
)

// Event is a change of one object.
type Event struct {
	Type    EventType
	Release string // label value; empty for an object that no release applied
	Key     model.ObjectKey
	Live    model.Live
	// Drift: the object differs from what its release applied last, or is gone. While the release
	// is held it is false, and an event with it follows at the end if it is still true then.
	Drift         bool
	HealthChanged bool
	Record        *Stored // set for a Helm release Secret
}

// Subscribe calls fn for every change after the first complete list of its kind, in order for each
// kind, and for drift that is found otherwise (Expect, the end of Hold). Our own writes, told by
// Applied, are no events. fn must return at once and may be called from several goroutines.
// Subscribe before Ensure.
func (s *Store) Subscribe(fn func(Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subs = append(s.subs, fn)
}

// emit tells subscribers; the lock must not be held.
func (s *Store) emit(events []Event) {
	if len(events) == 0 {
		return
	}
	s.mu.RLock()
	subs := s.subs
	s.mu.RUnlock()
	for _, e := range events {
		for _, fn := range subs {
			fn(e)
		}
	}
}
