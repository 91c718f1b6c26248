package health

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// feeds are the watches on pods and warnings, one pair for each namespace in which someone waits
// for pods. They are opened when the first waiter asks and closed when the last one leaves.
type feeds struct {
	typed typed

	mu   sync.Mutex
	open map[string]*feed
}

// feed is what the watches of one namespace told last.
type feed struct {
	namespace    string
	pods, events cache.SharedIndexInformer
	stop         context.CancelFunc

	refs int // guarded by feeds.mu

	mu   sync.Mutex
	subs map[chan struct{}]bool
}

// subscribe opens the namespace's feed if need be. changed receives after something changed; the
// caller must call close.
func (fs *feeds) subscribe(namespace string) (f *feed, changed chan struct{}, close func()) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f = fs.open[namespace]
	if f == nil {
		f = fs.start(namespace)
		fs.open[namespace] = f
	}
	f.refs++
	changed = make(chan struct{}, 1)
	f.mu.Lock()
	f.subs[changed] = true
	f.mu.Unlock()
	return f, changed, sync.OnceFunc(func() { fs.leave(f, changed) })
}

func (fs *feeds) leave(f *feed, changed chan struct{}) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.mu.Lock()
	delete(f.subs, changed)
	f.mu.Unlock()
	if f.refs--; f.refs == 0 {
		delete(fs.open, f.namespace)
		f.stop()
	}
}

func (fs *feeds) start(namespace string) *feed {
	// A feed outlives the waiter that opened it, so that it has no context of a caller; nor has the
	// reflector anything to log that a diagnosis would not say.
	ctx, stop := context.WithCancel(klog.NewContext(context.Background(), logr.Discard()))
	f := &feed{namespace: namespace, stop: stop, subs: map[chan struct{}]bool{}}
	core := fs.typed.CoreV1()
	f.pods = f.informer(&corev1.Pod{}, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return core.Pods(namespace).List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return core.Pods(namespace).Watch(ctx, o)
		},
	})
	warnings := fields.OneTermEqualSelector("type", corev1.EventTypeWarning).String()
	f.events = f.informer(&corev1.Event{}, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = warnings
			return core.Events(namespace).List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = warnings
			return core.Events(namespace).Watch(ctx, o)
		},
	})
	go f.pods.RunWithContext(ctx)
	go f.events.RunWithContext(ctx)
	go f.tellSynced(ctx)
	return f
}

// tellSynced says when both first lists are complete. The signals of their items may come before
// that, when they cannot be acted upon yet.
func (f *feed) tellSynced(ctx context.Context) {
	for _, inf := range []cache.SharedIndexInformer{f.pods, f.events} {
		select {
		case <-inf.HasSyncedChecker().Done():
		case <-ctx.Done():
			return
		}
	}
	f.notify()
}

func (f *feed) informer(kind runtime.Object, lw cache.ListerWatcher) cache.SharedIndexInformer {
	inf := cache.NewSharedIndexInformer(lw, kind, 0, cache.Indexers{})
	// The three setters fail only on an informer that runs already.
	_ = inf.SetTransform(withoutManagedFields)
	// A watch that is refused (a right that is missing) is tried again by itself. Waiting goes on
	// with the workloads' own status, and the diagnosis says what it could not read.
	_ = inf.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {})
	_, _ = inf.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { f.notify() },
		UpdateFunc: func(any, any) { f.notify() },
		DeleteFunc: func(any) { f.notify() },
	})
	return inf
}

func withoutManagedFields(obj any) (any, error) {
	if m, ok := obj.(metav1.Object); ok {
		m.SetManagedFields(nil)
	}
	return obj, nil
}

func (f *feed) notify() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.subs {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (f *feed) synced() bool { return f.pods.HasSynced() && f.events.HasSynced() }

func (f *feed) allPods() []*corev1.Pod {
	list := f.pods.GetStore().List()
	pods := make([]*corev1.Pod, 0, len(list))
	for _, o := range list {
		if p, ok := o.(*corev1.Pod); ok {
			pods = append(pods, p)
		}
	}
	slices.SortFunc(pods, func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
	return pods
}

func (f *feed) allWarnings() []*corev1.Event {
	list := f.events.GetStore().List()
	events := make([]*corev1.Event, 0, len(list))
	for _, o := range list {
		if e, ok := o.(*corev1.Event); ok {
			events = append(events, e)
		}
	}
	slices.SortFunc(events, func(a, b *corev1.Event) int { return strings.Compare(a.Name, b.Name) })
	return events
}

// fedReader answers from the feeds what they hold, and asks the cluster for the rest.
type fedReader struct {
	Reader
	feeds map[string]*feed // by namespace
}

// direct is the reader behind the feeds.
func direct(r Reader) Reader {
	if f, ok := r.(fedReader); ok {
		return f.Reader
	}
	return r
}

// Pods answers from the namespace's feed.
func (r fedReader) Pods(ctx context.Context, namespace string, selector labels.Selector) ([]corev1.Pod, error) {
	f := r.feeds[namespace]
	if f == nil || !f.synced() {
		return r.Reader.Pods(ctx, namespace, selector)
	}
	var pods []corev1.Pod
	for _, p := range f.allPods() {
		if selector.Matches(labels.Set(p.Labels)) {
			pods = append(pods, *p.DeepCopy())
		}
	}
	return pods, nil
}

// Events answers from the namespace's feed for kinds of which only warnings are looked at.
func (r fedReader) Events(ctx context.Context, key model.ObjectKey) ([]corev1.Event, error) {
	f := r.feeds[key.Namespace]
	if f == nil || !f.synced() || !runsPods(key) {
		return r.Reader.Events(ctx, key)
	}
	var events []corev1.Event
	for _, e := range f.allWarnings() {
		if e.InvolvedObject.Kind == key.Kind && e.InvolvedObject.Name == key.Name {
			events = append(events, *e.DeepCopy())
		}
	}
	return events, nil
}

// runsPods reports whether an object of this kind becomes healthy through its pods.
func runsPods(key model.ObjectKey) bool {
	switch (groupKind{key.Group, key.Kind}) {
	case groupKind{"apps", "Deployment"}, groupKind{"apps", "StatefulSet"}, groupKind{"apps", "DaemonSet"},
		groupKind{"apps", "ReplicaSet"}, groupKind{"batch", "Job"}, groupKind{"", "Pod"}, groupKind{"", "ReplicationController"}:
		return true
	}
	return false
}

// workloadOf is the object of a release that a pod belongs to. A Deployment's pods are owned by a
// ReplicaSet whose name is the Deployment's and the hash that the pod carries too.
func workloadOf(p *corev1.Pod) model.ObjectKey {
	ref := metav1.GetControllerOf(p)
	if ref == nil {
		return podKey(p)
	}
	group, _, found := strings.Cut(ref.APIVersion, "/")
	if !found {
		group = ""
	}
	key := model.ObjectKey{Group: group, Kind: ref.Kind, Namespace: p.Namespace, Name: ref.Name}
	if hash := p.Labels[labelTemplateHash]; hash != "" && ref.Kind == "ReplicaSet" {
		if name, ok := strings.CutSuffix(ref.Name, "-"+hash); ok {
			key.Kind, key.Name = "Deployment", name
		}
	}
	return key
}
