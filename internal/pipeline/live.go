package pipeline

import (
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/live"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// liveSource shows the health stage one release of the live store: it turns the store's
// close-once channels into one that receives for every change.
type liveSource struct {
	store   *live.Store
	label   string
	changed chan struct{}
	stop    chan struct{}
	once    sync.Once
	alarm   *time.Timer // nil when there is none
}

func newLiveSource(store *live.Store, label string) *liveSource {
	s := &liveSource{store: store, label: label, changed: make(chan struct{}, 1), stop: make(chan struct{})}
	next := store.Changed(label)
	go func() {
		for {
			select {
			case <-next:
				next = store.Changed(label)
				s.wake()
			case <-s.stop:
				return
			}
		}
	}()
	return s
}

func (s *liveSource) wake() {
	select {
	case s.changed <- struct{}{}:
	default: // one is waiting to be read already
	}
}

// wakeAt has Changed receive at a time to come. Call it once at most.
func (s *liveSource) wakeAt(t time.Time) {
	if rest := time.Until(t); rest > 0 {
		s.alarm = time.AfterFunc(rest, s.wake)
	}
}

func (s *liveSource) Observe(keys []model.ObjectKey) (map[model.ObjectKey]model.Live, error) {
	return s.store.Observe(s.label, keys)
}

func (s *liveSource) Changed() <-chan struct{} { return s.changed }

// Close ends the forwarding.
func (s *liveSource) Close() {
	s.once.Do(func() { close(s.stop) })
	if s.alarm != nil {
		s.alarm.Stop()
	}
}
