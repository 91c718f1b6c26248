package plan

import (
	"bytes"
	"container/list"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Preparer is Prepare with a memory: of a large release it takes the objects that are what they were
// the last time as it prepared them then. The zero value is ready; it is safe for concurrent use.
type Preparer struct {
	mu      sync.Mutex
	order   list.List // of *remembered, latest used first
	byLabel map[string]*list.Element
	size    int
}

// remembered are the objects of one release as they were prepared last. Nobody changes it.
type remembered struct {
	label     string
	namespace string // of the release
	objects   map[model.ObjectKey]kept
	size      int
}

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
	before := p.get(r)
	now := &remembered{label: r.ID.Label(), namespace: r.Namespace, objects: make(map[model.ObjectKey]kept, len(objects))}
	out, err := prepareAll(objects, scope, func(o model.Object, namespaced bool) (model.Object, error) {
		k, ok := before[o.Key]
		if !ok || k.namespaced != namespaced || !bytes.Equal(k.body, o.Body) {
			var err error
			k = kept{body: o.Body, namespaced: namespaced}
			if k.prepared, err = prepare(r, o, namespaced); err != nil {
				return o, err
			}
		}
		now.objects[o.Key] = k
		now.size += len(k.body) + len(k.prepared.Body) + keptOverhead
		o.Key, o.Body, o.Digest = k.prepared.Key, k.prepared.Body, k.prepared.Digest
		return o, nil
	})
	if err == nil {
		p.put(now)
	}
	return out, err
}

func (p *Preparer) get(r model.Release) map[model.ObjectKey]kept {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byLabel[r.ID.Label()]
	if e == nil || e.Value.(*remembered).namespace != r.Namespace {
		return nil
	}
	p.order.MoveToFront(e)
	return e.Value.(*remembered).objects
}

func (p *Preparer) put(now *remembered) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byLabel == nil {
		p.byLabel = map[string]*list.Element{}
	}
	if e := p.byLabel[now.label]; e != nil {
		p.drop(e)
	}
	p.byLabel[now.label] = p.order.PushFront(now)
	for p.size += now.size; p.size > maxRemembered; {
		p.drop(p.order.Back())
	}
}

// drop is called with mu held.
func (p *Preparer) drop(e *list.Element) {
	r := p.order.Remove(e).(*remembered)
	delete(p.byLabel, r.label)
	p.size -= r.size
}
