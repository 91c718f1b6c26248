package kube

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Fields is a digest of the set of fields that a manager owns by applying (subresources apart);
// empty when it owns none. Equal sets give equal digests in whatever order they are written: the
// API server writes the same set in different orders for built-in and custom kinds.
//
// The set says which fields were applied, not which values they got. What model.AnnotationApplied
// says of those is part of the digest, so that an object which a run changed and did not live to
// record differs from what the record says.
func Fields(m *metav1.ObjectMeta, manager string) string {
	for i := range m.ManagedFields {
		e := &m.ManagedFields[i]
		if e.Manager == manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == "" && e.FieldsV1 != nil {
			return digestFields(e.FieldsV1.GetRawBytes()) + "." + m.Annotations[model.AnnotationApplied]
		}
	}
	return ""
}

// digestFields adds up a hash of every path in a fieldsV1 document, which is nothing but nested
// objects. It allocates nothing: it runs for every event of every watch.
func digestFields(raw []byte) string {
	w := walker{raw: raw}
	w.object(fnvOffset)
	return strconv.FormatUint(w.sum, 36)
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

type walker struct {
	raw []byte
	pos int
	sum uint64
}

// object reads the object at pos; path is the hash of the keys that lead to it. On anything that is
// not JSON objects it stops, and the digest is of what came before: it will differ from a good one.
func (w *walker) object(path uint64) {
	if !w.skipTo('{') {
		return
	}
	for w.pos < len(w.raw) {
		switch w.raw[w.pos] {
		case '}':
			w.pos++
			return
		case '"':
			h := w.key(path)
			w.sum += mix(h)
			if w.skipTo(':') {
				w.object(h)
			}
		default: // space and commas
			w.pos++
		}
	}
}

// key hashes the string at pos into path.
func (w *walker) key(path uint64) uint64 {
	h := path
	w.pos++
	for w.pos < len(w.raw) && w.raw[w.pos] != '"' {
		if w.raw[w.pos] == '\\' && w.pos+1 < len(w.raw) {
			h = (h ^ uint64(w.raw[w.pos])) * fnvPrime
			w.pos++
		}
		h = (h ^ uint64(w.raw[w.pos])) * fnvPrime
		w.pos++
	}
	w.pos++
	return (h ^ '/') * fnvPrime
}

// skipTo moves behind c when only space comes before it.
func (w *walker) skipTo(c byte) bool {
	for w.pos < len(w.raw) {
		switch b := w.raw[w.pos]; b {
		case c:
			w.pos++
			return true
		case ' ', '\n', '\t', '\r':
			w.pos++
		default:
			return false
		}
	}
	return false
}

// mix spreads a hash over all bits, so that sums of similar paths do not cancel out (the finalizer
// of SplitMix64).
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}
