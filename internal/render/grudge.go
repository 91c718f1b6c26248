package render

import (
	"sync"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// grudges remember for a while which inputs broke a worker's limits: they would break them again,
// and occupy a worker that others wait for.
type grudges struct {
	mu    sync.Mutex
	byKey map[string]grudge
}

type grudge struct {
	err   error
	until time.Time
}

const (
	grudgeTime = 10 * time.Minute
	maxGrudges = 1_000
)

func (g *grudges) check(key string, now time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	held, ok := g.byKey[key]
	if ok && now.Before(held.until) {
		return held.err
	}
	delete(g.byKey, key)
	return nil
}

func (g *grudges) hold(key string, err error, now time.Time) {
	switch model.ReasonOf(err, "") {
	case "RenderTimeout", "RenderMemory":
	default:
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.byKey == nil || len(g.byKey) >= maxGrudges {
		g.byKey = map[string]grudge{}
	}
	g.byKey[key] = grudge{err, now.Add(grudgeTime)}
}
