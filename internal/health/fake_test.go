package health

import (
	"context"
	"slices"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// fixture is a Reader over objects written down in a test: what an API server would answer, as far
// as diagnosis asks.
type fixture struct {
	objects map[model.ObjectKey]map[string]any
	sets    []appsv1.ReplicaSet
	pods    []corev1.Pod
	events  []corev1.Event
	logs    map[string]string // by "pod/container", or "pod/container/previous"
	secrets map[string]map[string]string
	configs map[string]map[string]string
	denied  map[model.ObjectKey]bool
}

func notFound(key model.ObjectKey) error {
	return apierrors.NewNotFound(schema.GroupResource{Group: key.Group, Resource: key.Kind}, key.Name)
}

func (f *fixture) deny(key model.ObjectKey) error {
	if f.denied[key] {
		return apierrors.NewForbidden(schema.GroupResource{Group: key.Group, Resource: key.Kind}, key.Name, nil)
	}
	return nil
}

func (f *fixture) Object(_ context.Context, key model.ObjectKey) (map[string]any, error) {
	if err := f.deny(key); err != nil {
		return nil, err
	}
	if obj, ok := f.objects[key]; ok {
		return obj, nil
	}
	return nil, notFound(key)
}

func (f *fixture) ReplicaSets(_ context.Context, _ string, sel labels.Selector) ([]appsv1.ReplicaSet, error) {
	return slices.DeleteFunc(slices.Clone(f.sets), func(s appsv1.ReplicaSet) bool { return !sel.Matches(labels.Set(s.Labels)) }), nil
}

func (f *fixture) Pods(_ context.Context, _ string, sel labels.Selector) ([]corev1.Pod, error) {
	if err := f.deny(model.ObjectKey{Kind: "Pod"}); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(f.pods), func(p corev1.Pod) bool { return !sel.Matches(labels.Set(p.Labels)) }), nil
}

func (f *fixture) Events(_ context.Context, key model.ObjectKey) ([]corev1.Event, error) {
	return slices.DeleteFunc(slices.Clone(f.events), func(e corev1.Event) bool {
		return e.InvolvedObject.Kind != key.Kind || e.InvolvedObject.Name != key.Name
	}), nil
}

func (f *fixture) Log(_ context.Context, pod model.ObjectKey, container string, previous bool) (string, error) {
	id := pod.Name + "/" + container
	if previous {
		id += "/previous"
	}
	return f.logs[id], nil
}

func (f *fixture) Keys(_ context.Context, key model.ObjectKey) ([]DataKey, error) {
	if err := f.deny(key); err != nil {
		return nil, err
	}
	from := f.secrets
	if key.Kind == "ConfigMap" {
		from = f.configs
	}
	data, ok := from[key.Name]
	if !ok {
		return nil, notFound(key)
	}
	var keys []DataKey
	for k, v := range data {
		keys = append(keys, DataKey{k, v == ""})
	}
	return sortKeys(keys), nil
}

func (f *fixture) SecretValues(_ context.Context, ns, name string) ([]string, error) {
	key := model.ObjectKey{Kind: "Secret", Namespace: ns, Name: name}
	if err := f.deny(key); err != nil {
		return nil, err
	}
	data, ok := f.secrets[name]
	if !ok {
		return nil, notFound(key)
	}
	var values []string
	for _, v := range data {
		values = append(values, v)
	}
	return values, nil
}

// stage is a Source whose objects a test moves.
type stage struct {
	mu      sync.Mutex
	live    map[model.ObjectKey]model.Live
	err     error
	changed chan struct{}
}

func newStage() *stage {
	return &stage{live: map[model.ObjectKey]model.Live{}, changed: make(chan struct{}, 1)}
}

func (s *stage) Observe([]model.ObjectKey) (map[model.ObjectKey]model.Live, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	out := map[model.ObjectKey]model.Live{}
	for k, v := range s.live {
		out[k] = v
	}
	return out, nil
}

func (s *stage) Changed() <-chan struct{} { return s.changed }

func (s *stage) set(key model.ObjectKey, version string, h model.Health) {
	s.mu.Lock()
	s.live[key] = model.Live{Key: key, ResourceVersion: version, Health: h}
	s.mu.Unlock()
	s.signal()
}

func (s *stage) fail(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
	s.signal()
}

func (s *stage) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
