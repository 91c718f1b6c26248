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
	drift   func() // called by Observe where objects drifted after calm; nil looks for none
	calm    time.Time
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

// onDrift has f called when a look finds objects that others changed, from the time of calm on. Call
// it before the first look.
func (s *liveSource) onDrift(calm time.Time, f func()) {
	s.drift, s.calm = f, calm
	if rest := time.Until(calm); rest > 0 {
		time.AfterFunc(rest, s.wake)
	}
}

func (s *liveSource) Observe(keys []model.ObjectKey) (map[model.ObjectKey]model.Live, error) {
	if s.drift != nil && !time.Now().Before(s.calm) && len(s.store.Drifted(s.label)) > 0 {
		s.drift()
	}
	return s.store.Observe(s.label, keys)
}

func (s *liveSource) Changed() <-chan struct{} { return s.changed }

// Close ends the forwarding.
func (s *liveSource) Close() { s.once.Do(func() { close(s.stop) }) }
