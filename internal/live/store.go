package live

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/kube"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// staleAfter is how long a watch may be broken before what it told last is no answer any more.
const staleAfter = 30 * time.Second

// listTimeout bounds how long Ensure waits for first lists; the watches go on trying after it.
const listTimeout = 30 * time.Second

// HealthFunc tells how an object does. It must not keep or change the object, and sees it without
// managed fields and, of a workload, without the template of its pods.
type HealthFunc func(obj *unstructured.Unstructured) model.Health

// Options of a Store.
type Options struct {
	// Health gives the health function of a kind; nil means that the kind has no health of its own
	// and its metadata is all that is watched.
	Health func(gvk schema.GroupVersionKind) HealthFunc
	// Scoped watches only the namespaces that are asked for, and there only objects with a release's
	// label: for a run with rights in one namespace. Else a kind is watched in all of them.
	Scoped bool
	Log    *slog.Logger // nil discards
}

// Place is a kind and the namespace in which its objects are looked for; empty for kinds without.
type Place struct {
	Kind      schema.GroupVersionKind
	Namespace string
}

// place names a watch.
type place struct {
	schema.GroupKind
	namespace string // always empty unless the store is scoped
}

// place is the watch that covers a kind in a namespace.
func (s *Store) place(gk schema.GroupKind, namespace string) place {
	if !s.options.Scoped {
		namespace = ""
	}
	return place{gk, namespace}
}

// placeOf is the watch that covers an object.
func (s *Store) placeOf(key model.ObjectKey) place {
	return s.place(schema.GroupKind{Group: key.Group, Kind: key.Kind}, key.Namespace)
}

// Store is what the watches told last. It is safe for concurrent use.
type Store struct {
	ctx     context.Context
	client  *kube.Client
	options Options
	log     *slog.Logger

	mu       sync.RWMutex
	subs     []func(Event)
	kinds    map[place]*kind
	absent   map[schema.GroupKind]bool // kinds that the cluster does not have
	releases map[string]*release       // by label
	records  map[name][]*Stored        // by namespace and Helm's release name
}

// name is a namespace and a name in it.
type name struct{ namespace, name string }

// entry is what is kept of one object.
type entry struct {
	live   model.Live
	rv     uint64
	list   uint32   // the last list it was in
	rel    *release // nil when it has no release label
	stored *Stored  // of a Helm release Secret
}

// release is what is known of the objects of one release.
type release struct {
	label   string // the one copy that entries share
	objects map[model.ObjectKey]*entry
	want    map[model.ObjectKey]string // fields after the last apply
	expires map[model.ObjectKey]bool   // Jobs that Kubernetes deletes when they finished
	done    map[model.ObjectKey]*entry // those of them that completed and are gone
	holds   int
	suspect map[model.ObjectKey]bool // changed while held
	changed chan struct{}            // nil while nobody waits
}

// New makes an empty store; Ensure starts watches. They end with ctx.
func New(ctx context.Context, c *kube.Client, o Options) *Store {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Health == nil {
		o.Health = func(schema.GroupVersionKind) HealthFunc { return nil }
	}
	return &Store{
		ctx: ctx, client: c, options: o, log: o.Log,
		kinds: map[place]*kind{}, absent: map[schema.GroupKind]bool{},
		releases: map[string]*release{}, records: map[name][]*Stored{},
	}
}

// Ensure is EnsureIn for kinds wherever their objects are.
func (s *Store) Ensure(ctx context.Context, gvks ...schema.GroupVersionKind) error {
	places := make([]Place, len(gvks))
	for i, gvk := range gvks {
		places[i].Kind = gvk
	}
	return s.EnsureIn(ctx, places...)
}

// EnsureIn starts watches on kinds and returns when their first complete lists are in. It is
// idempotent and costs nothing while the watches run. A kind that the cluster does not have is no
// error: nothing of it exists, and its watch starts when an object of it is applied.
func (s *Store) EnsureIn(ctx context.Context, places ...Place) error {
	var waitFor []*kind
	for _, p := range places {
		k, err := s.start(ctx, p)
		if err != nil {
			return fmt.Errorf("watching %s: %w", p.Kind.Kind, err)
		}
		if k != nil && !k.isSynced() {
			waitFor = append(waitFor, k)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	for _, k := range waitFor {
		if err := k.wait(ctx); err != nil {
			return fmt.Errorf("watching %s: %w", k.gvk.Kind, err)
		}
	}
	return nil
}

// start gives the running watch of a kind, or begins one; nil when the cluster lacks the kind.
func (s *Store) start(ctx context.Context, p Place) (*kind, error) {
	gvk, gk := p.Kind, p.Kind.GroupKind()
	at := s.place(gk, p.Namespace)
	s.mu.RLock()
	k := s.kinds[at]
	s.mu.RUnlock()
	if k != nil {
		return k, nil
	}
	m, err := s.client.Mapping(ctx, gvk)
	if model.ReasonOf(err, "") == kube.ReasonUnknownKind {
		// The version may be gone while the kind is not.
		m, err = s.client.Mapping(ctx, gk.WithVersion(""))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if model.ReasonOf(err, "") == kube.ReasonUnknownKind {
		s.absent[gk] = true
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if k := s.kinds[at]; k != nil {
		return k, nil
	}
	k = newKind(s, gk.WithVersion(m.Resource.Version), at.namespace)
	s.kinds[at] = k
	delete(s.absent, gk)
	go k.run(s.ctx)
	return k, nil
}

// ready says why nothing can be said about a kind now; nil when it can. The lock is held.
func (s *Store) ready(at place) error {
	k, gk := s.kinds[at], at.GroupKind
	switch {
	case k == nil && s.absent[gk]:
		return nil
	case k == nil:
		return fmt.Errorf("%s is not watched", gk)
	case !k.isSynced():
		return &model.Error{Kind: model.ErrTransient, Reason: "NotSynced", Msg: "the list of " + gk.String() + " is not complete yet"}
	}
	if since, err := k.trouble(); err != nil && time.Since(since) > staleAfter {
		return &model.Error{
			Kind: model.ErrTransient, Reason: "Stale", Err: err,
			Msg: "nothing is known of " + gk.String() + " since " + since.UTC().Format(time.RFC3339),
		}
	}
	return nil
}

// Observe gives the live state of keys that exist and of every object with the release's label,
// from memory. It fails when the kind of a key is not watched, its first list is not complete or
// its watch is broken for long: an object missing from the answer is missing in the cluster, or was
// never applied by Fairlead. A Job that completed and expired since is as it was then.
func (s *Store) Observe(label string, keys []model.ObjectKey) (map[model.ObjectKey]model.Live, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.releases[label]
	size := len(keys)
	if r != nil {
		size = max(size, len(r.objects))
	}
	out := make(map[model.ObjectKey]model.Live, size)
	var at place // of the key before: mostly all are of a few kinds, one after the other
	var k *kind
	for i, key := range keys {
		if here := s.placeOf(key); i == 0 || here != at {
			if err := s.ready(here); err != nil {
				return nil, fmt.Errorf("looking for %s: %w", key, err)
			}
			at, k = here, s.kinds[here]
		}
		if k == nil {
			continue
		}
		if e := k.entries[name{key.Namespace, key.Name}]; e != nil && (r == nil || e.rel != r) {
			out[key] = e.live
		}
	}
	if r != nil {
		for key, e := range r.objects {
			out[key] = e.live
		}
		for key, e := range r.done {
			if _, exists := out[key]; !exists {
				out[key] = e.live
			}
		}
	}
	return out, nil
}

// Releases are the labels of which a watched object exists that Fairlead owns fields of, in no order.
func (s *Store) Releases() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var labels []string
	for label, r := range s.releases {
		for _, e := range r.objects {
			if e.live.Fields != "" {
				labels = append(labels, label)
				break
			}
		}
	}
	return labels
}

// Changed returns a channel that is closed at the next change of any object of the release. Take it
// before observing, so that no change is missed.
func (s *Store) Changed(label string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.release(label)
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

// release gives the state of a release, new when there is none. The lock is held.
func (s *Store) release(label string) *release {
	r := s.releases[label]
	if r == nil {
		r = &release{label: label, objects: map[model.ObjectKey]*entry{}, want: map[model.ObjectKey]string{}}
		s.releases[label] = r
	}
	return r
}

// wake tells those who wait for a release. The lock is held.
func (r *release) wake() {
	if r != nil && r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// version is a resourceVersion as a number that grows; 0 when it is none.
func version(rv string) uint64 {
	n, err := strconv.ParseUint(rv, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
