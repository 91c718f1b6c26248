package helm

import (
	"container/list"
	"sync"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// Recent keeps the charts used last. The zero value keeps nothing.
type Recent struct {
	Max int // charts

	mu    sync.Mutex
	order list.List // of entry, latest first
	byKey map[string]*list.Element
}

type entry struct {
	key   string
	chart *chart.Chart
}

// Get is the chart put under key, or nil.
func (r *Recent) Get(key string) *chart.Chart {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.byKey[key]
	if !ok {
		return nil
	}
	r.order.MoveToFront(e)
	return e.Value.(entry).chart
}

// Put keeps a chart, and forgets the one that was not asked for the longest when there are too many.
func (r *Recent) Put(key string, c *chart.Chart) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byKey == nil {
		r.byKey = map[string]*list.Element{}
	}
	if old, ok := r.byKey[key]; ok {
		r.order.Remove(old)
	}
	r.byKey[key] = r.order.PushFront(entry{key, c})
	for r.order.Len() > r.Max {
		last := r.order.Back()
		r.order.Remove(last)
		delete(r.byKey, last.Value.(entry).key)
	}
}
