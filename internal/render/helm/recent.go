package helm

import (
	"container/list"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// Recent keeps the charts used last, and their schemas compiled. The zero value keeps no chart.
type Recent struct {
	Max int // charts

	mu    sync.Mutex
	order list.List // of entry, latest first
	byKey map[string]*list.Element
	// schemas are compiled ones by their text. Copies of a chart share the text, so its address will
	// do; as a key it also keeps the text from being replaced by another at the same address.
	schemas map[*byte]*jsonschema.Schema
}

// maxSchemas are kept before all are forgotten.
const maxSchemas = 64

type entry struct {
	key   string
	chart *chart.Chart
}

func (r *Recent) get(key string) *chart.Chart {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.byKey[key]
	if !ok {
		return nil
	}
	r.order.MoveToFront(e)
	return e.Value.(entry).chart
}

func (r *Recent) put(key string, c *chart.Chart) {
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

// schema is text compiled. A nil Recent keeps nothing.
func (r *Recent) schema(text []byte) (*jsonschema.Schema, error) {
	if r == nil || len(text) == 0 {
		return compile(text)
	}
	r.mu.Lock()
	known, ok := r.schemas[&text[0]]
	r.mu.Unlock()
	if ok {
		return known, nil
	}
	s, err := compile(text)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.schemas == nil || len(r.schemas) >= maxSchemas {
		r.schemas = map[*byte]*jsonschema.Schema{}
	}
	r.schemas[&text[0]] = s
	return s, nil
}
