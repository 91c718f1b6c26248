package simnode

import (
	"sync"
	"time"

	"k8s.io/client-go/tools/cache"
)

// sight is a pod as it was when it was decided about.
type sight struct {
	// read is the pod's resource version that was decided about, written the one with the
	// status that came of it, due when to decide again though the pod is the same.
	read, written string
	due           time.Time
	// unresolved says that the pod waits for a Secret or a ConfigMap.
	unresolved bool
}

// sights remembers what was last decided about each pod, by namespace/name.
type sights struct {
	mu     sync.Mutex
	byPod  map[string]sight
	change map[string]int // by namespace: how often a Secret or ConfigMap has changed there
}

func newSights() *sights { return &sights{byPod: map[string]sight{}, change: map[string]int{}} }

// begin returns what was decided last, and a mark to hand to keep: deciding takes a while, and
// what a pod waits for may come meanwhile.
func (s *sights) begin(key string) (last sight, known bool, mark int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known = s.byPod[key]
	return last, known, s.change[namespaceOf(key)]
}

// keep stores a decision that was begun at mark. It reports whether to decide again at once,
// because the namespace has changed since and the pod waits for something in it.
func (s *sights) keep(key string, now sight, mark int) (again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if again = now.unresolved && s.change[namespaceOf(key)] != mark; again {
		now.due = time.Now()
	}
	s.byPod[key] = now
	return again
}

// wake notes a change in a namespace and returns the pods to decide about again.
func (s *sights) wake(namespace string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change[namespace]++
	var out []string
	for key, last := range s.byPod {
		if last.unresolved && namespaceOf(key) == namespace {
			last.due = time.Now()
			s.byPod[key] = last
			out = append(out, key)
		}
	}
	return out
}

func (s *sights) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byPod, key)
}

func namespaceOf(key string) string {
	namespace, _, _ := cache.SplitMetaNamespaceKey(key)
	return namespace
}
