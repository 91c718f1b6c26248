package live

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Stored is a Helm release Secret as its metadata tells it. It is shared: do not change it.
type Stored struct {
	Release  string // Helm's release name: label "name"
	Revision int    // label "version"
	Status   string // label "status"
	// Meta is what the record stage reads: name, namespace, UID, resourceVersion, creation time,
	// labels, and the annotations of Fairlead.
	Meta metav1.ObjectMeta
}

const (
	annotationPrefix = "fairlead.dev/"
	helmOwner        = "helm"
)

// storedOf is the record in a Secret's metadata, nil when it is no Helm release.
func storedOf(m *metav1.ObjectMeta) *Stored {
	if m.Labels["owner"] != helmOwner {
		return nil
	}
	revision, err := strconv.Atoi(m.Labels["version"])
	if err != nil || m.Labels["name"] == "" {
		return nil
	}
	s := &Stored{Release: m.Labels["name"], Revision: revision, Status: m.Labels["status"]}
	s.Meta = metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion,
		CreationTimestamp: m.CreationTimestamp, Labels: m.Labels,
	}
	for k, v := range m.Annotations {
		if strings.HasPrefix(k, annotationPrefix) {
			if s.Meta.Annotations == nil {
				s.Meta.Annotations = map[string]string{}
			}
			s.Meta.Annotations[k] = v
		}
	}
	return s
}

// Records are the Helm release Secrets of one release, oldest revision first, from memory. It fails
// while Secrets are not watched or their first list is not complete.
func (s *Store) Records(namespace, release string) ([]*Stored, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.ready(place{GroupKind: schema.GroupKind{Kind: "Secret"}}); err != nil {
		return nil, fmt.Errorf("looking for records of release %s/%s: %w", namespace, release, err)
	}
	out := slices.Clone(s.records[name{namespace, release}])
	slices.SortFunc(out, func(a, b *Stored) int { return a.Revision - b.Revision })
	return out, nil
}

// AllRecords are all Helm release Secrets in the cluster, in no order.
func (s *Store) AllRecords() ([]*Stored, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.ready(place{GroupKind: schema.GroupKind{Kind: "Secret"}}); err != nil {
		return nil, fmt.Errorf("looking for records: %w", err)
	}
	var out []*Stored
	for _, r := range s.records {
		out = append(out, r...)
	}
	return out, nil
}

// restore replaces one record by another in the index; nil stands for none.
func (s *Store) restore(old, now *Stored) {
	if old != nil {
		at := name{old.Meta.Namespace, old.Release}
		rest := slices.DeleteFunc(s.records[at], func(r *Stored) bool { return r == old })
		if len(rest) == 0 {
			delete(s.records, at)
		} else {
			s.records[at] = rest
		}
	}
	if now != nil {
		at := name{now.Meta.Namespace, now.Release}
		s.records[at] = append(s.records[at], now)
	}
}

// isSecret reports whether an object is a Secret, the kind that Helm's records are.
func isSecret(k model.ObjectKey) bool { return k.Group == "" && k.Kind == "Secret" }
