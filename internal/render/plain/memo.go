package plain

import (
	"crypto/sha256"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/recent"
)

// memo remembers the objects of files by name and content: a commit seldom touches more than a few
// of a repository's files, and reading YAML is most of the work.
type memo struct {
	files recent.Cache[memoKey, remembered]
}

type memoKey struct {
	name    string
	content string // its ID, or its digest
}

type remembered struct {
	objects []model.Object
	length  int64 // of the content
}

const (
	maxMemo = 16 << 20 // bytes
	// objectOverhead is about what an object takes beside its body.
	objectOverhead = 400
)

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return string(sum[:])
}

func (m *memo) get(key memoKey) (remembered, bool) { return m.files.Get(key) }

func (m *memo) put(key memoKey, objects []model.Object, length int64) {
	size := int64(objectOverhead)
	for i := range objects {
		size += int64(len(objects[i].Body)) + objectOverhead
	}
	if size <= maxMemo/4 { // one may not push out all others
		m.files.Put(key, remembered{objects, length}, size, maxMemo)
	}
}
