package apply

import (
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// claimFor is how long a claim holds: until every watch has surely shown the object's label.
const claimFor = time.Minute

// claims are the objects that releases are about to make, or just made. Two releases that want the
// same new object are planned before either has it, so that no plan shows the conflict; the forced
// apply of the second would take the object from the first.
type claims struct {
	mu   sync.Mutex
	held map[model.ObjectKey]claim
	last time.Time // of the last sweep
}

type claim struct {
	label string
	until time.Time
}

// take claims an object for a release, unless another release has it; holder says which.
func (c *claims) take(key model.ObjectKey, label string) (holder string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.held == nil {
		c.held = map[model.ObjectKey]claim{}
	}
	if now.Sub(c.last) > claimFor {
		c.last = now
		for k, h := range c.held {
			if now.After(h.until) {
				delete(c.held, k)
			}
		}
	}
	if h, taken := c.held[key]; taken && h.label != label && now.Before(h.until) {
		return h.label, false
	}
	c.held[key] = claim{label: label, until: now.Add(claimFor)}
	return label, true
}

// leave gives an object up: its release has pruned it.
func (c *claims) leave(key model.ObjectKey, label string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[key].label == label {
		delete(c.held, key)
	}
}
