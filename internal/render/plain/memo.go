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

type memoKey [sha256.Size]byte

type remembered struct {
	key     memoKey
	objects []model.Object
	size    int
}

const (
	maxMemo = 16 << 20
	// objectOverhead is about what an object takes beside its body.
	objectOverhead = 400
)

func keyOf(name string, content []byte) memoKey {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{0})
	h.Write(content)
	return memoKey(h.Sum(nil))
}

func (m *memo) get(key memoKey) ([]model.Object, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.byKey[key]
	if !ok {
		return nil, false
	}
	m.order.MoveToFront(e)
	return e.Value.(remembered).objects, true
}

func (m *memo) put(key memoKey, objects []model.Object) {
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
	m.byKey[key] = m.order.PushFront(remembered{key, objects, size})
	for m.size += size; m.size > maxMemo; {
		last := m.order.Remove(m.order.Back()).(remembered)
		delete(m.byKey, last.key)
		m.size -= last.size
	}
}
