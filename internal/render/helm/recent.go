package helm

import (
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/fairlead-cd/fairlead/internal/recent"
)

// Recent keeps the charts used last, and their schemas compiled. The zero value keeps no chart.
type Recent struct {
	Max int64 // charts

	charts recent.Cache[string, *chart.Chart]

	mu sync.Mutex
	// schemas are compiled ones by their text. Copies of a chart share the text, so its address will
	// do; as a key it also keeps the text from being replaced by another at the same address.
	schemas map[*byte]*jsonschema.Schema
}

// maxSchemas are kept before all are forgotten.
const maxSchemas = 64

func (r *Recent) get(key string) *chart.Chart {
	if r == nil {
		return nil
	}
	c, _ := r.charts.Get(key)
	return c
}

func (r *Recent) put(key string, c *chart.Chart) { r.charts.Put(key, c, 1, r.Max) }

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
