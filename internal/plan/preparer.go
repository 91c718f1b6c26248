package plan

import (
	"bytes"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/recent"
)

// Preparer is Prepare with a memory: of a large release it takes the objects that are what they were
// the last time as it prepared them then. The zero value is ready; it is safe for concurrent use.
type Preparer struct {
	releases recent.Cache[target, map[model.ObjectKey]kept] // nobody changes a map that is in it
}

// target names a release as it was when its objects were prepared.
type target struct{ label, namespace string }

// kept is one object: the body it had, and what came of it. Nobody may change either.
type kept struct {
	body       []byte
	namespaced bool
	prepared   model.Object
}

const (
	// worthwhile is from how many objects on preparing them anew costs more than memory does.
	worthwhile = 32
	// maxRemembered bounds the bytes of all that is remembered.
	maxRemembered = 16 << 20
	keptOverhead  = 600 // of an object, beside its bodies
)

// Prepare is the function of that name. What it gives may share memory with what it gave before.
func (p *Preparer) Prepare(r model.Release, objects []model.Object, scope Scope) ([]model.Object, error) {
	if len(objects) < worthwhile {
		return Prepare(r, objects, scope)
	}
	of := target{r.ID.Label(), r.Namespace}
	before, _ := p.releases.Get(of)
	now, size := make(map[model.ObjectKey]kept, len(objects)), 0
	out, err := prepareAll(objects, scope, func(o model.Object, namespaced bool) (model.Object, error) {
		k, ok := before[o.Key]
		if !ok || k.namespaced != namespaced || !bytes.Equal(k.body, o.Body) {
			var err error
			k = kept{body: o.Body, namespaced: namespaced}
			if k.prepared, err = prepare(r, o, namespaced); err != nil {
				return o, err
			}
		}
		now[o.Key] = k
		size += len(k.body) + len(k.prepared.Body) + keptOverhead
		o.Key, o.Body, o.Digest, o.Expires = k.prepared.Key, k.prepared.Body, k.prepared.Digest, k.prepared.Expires
		return o, nil
	})
	if err == nil {
		p.releases.Put(of, now, int64(size), maxRemembered)
	}
	return out, err
}
