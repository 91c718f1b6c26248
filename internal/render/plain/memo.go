package plain

import (
	"container/list"
	"crypto/sha256"
	"sync"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// memo remembers the objects of files by name and content: a commit seldom touches more than a few
// of a repository's files, and reading YAML is most of the work. What was used last is kept, up to
// a number of bytes.
type memo struct {
	mu    sync.Mutex
	order list.List // of remembered, latest used first
	byKey map[memoKey]*list.Element
	size  int
}

type memoKey struct {
	name    string
	content string // its ID, or its digest
}

type remembered struct {
	key     memoKey
	objects []model.Object
	length  int64 // of the content
	size    int   // in memory
}

const (
	maxMemo = 16 << 20
	// objectOverhead is about what an object takes beside its body.
	objectOverhead = 400
)

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return string(sum[:])
}

func (m *memo) get(key memoKey) (remembered, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.byKey[key]
	if !ok {
		return remembered{}, false
	}
	m.order.MoveToFront(e)
	return *e.Value.(*remembered), true
}

func (m *memo) put(key memoKey, objects []model.Object, length int64) {
	size := objectOverhead
	for i := range objects {
		size += len(objects[i].Body) + objectOverhead
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byKey == nil {
		m.byKey = map[memoKey]*list.Element{}
	}
	if _, ok := m.byKey[key]; ok || size > maxMemo/4 {
		return
	}
	m.byKey[key] = m.order.PushFront(&remembered{key, objects, length, size})
	for m.size += size; m.size > maxMemo; {
		last := m.order.Remove(m.order.Back()).(*remembered)
		delete(m.byKey, last.key)
		m.size -= last.size
	}
}
