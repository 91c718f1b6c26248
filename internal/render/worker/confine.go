package worker

import "runtime/debug"

// confine gives up what rendering does not need, for the rest of the process's life. What the
// system cannot enforce is told, not fatal: the parent's limits remain.
func confine(h hello) (enforced, missing []string) {
	debug.SetMaxStack(maxStack)
	if !h.Brief {
		debug.SetGCPercent(150)
	}
	if h.Memory > 0 {
		debug.SetMemoryLimit(h.Memory * 3 / 4)
	}
	for _, c := range confinements {
		if err := c.apply(h); err != nil {
			missing = append(missing, c.name+": "+err.Error())
		} else {
			enforced = append(enforced, c.name)
		}
	}
	return enforced, missing
}

type confinement struct {
	name  string
	apply func(hello) error
}
