package simnode

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listersv1 "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	podutil "k8s.io/kubernetes/pkg/util/pod"
)

// workers is how many pods are worked on at once.
const workers = 16

// lag is how long to wait for the watch to catch up.
const lag = 50 * time.Millisecond

// pods follows the pods bound to the node and writes their statuses.
type pods struct {
	client    kubernetes.Interface
	addresses *addresses
	images    *images
	recorder  record.EventRecorder
	log       io.Writer

	queue  workqueue.TypedRateLimitingInterface[string]
	lister listersv1.PodLister
	pod    cache.SharedIndexInformer
	keys   *keys
	seen   *sights
}

func newPods(client kubernetes.Interface, nodeName string, a *addresses, i *images, recorder record.EventRecorder, log io.Writer) *pods {
	p := &pods{
		client: client, addresses: a, images: i, recorder: recorder, log: log,
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
		seen:  newSights(),
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", nodeName).String()
	}))
	p.pod = factory.Core().V1().Pods().Informer()
	p.lister = factory.Core().V1().Pods().Lister()
	p.keys = newKeys(client, p.wake)
	return p
}

// run works until ctx ends.
func (p *pods) run(ctx context.Context) {
	_, err := p.pod.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(o any, _ bool) {
			if pod, ok := o.(*v1.Pod); ok && pod.Status.PodIP != "" && !pod.Spec.HostNetwork {
				p.addresses.claim(string(pod.UID), pod.Status.PodIP)
			}
			p.enqueue(o)
		},
		UpdateFunc: func(_, o any) { p.enqueue(o) },
		DeleteFunc: p.forget,
	})
	if err != nil {
		fmt.Fprintf(p.log, "watching pods: %v\n", err)
		return
	}
	var wait sync.WaitGroup
	wait.Go(func() { p.pod.RunWithContext(ctx) })
	p.keys.start(ctx, &wait)
	// An object that was not listed yet must not look like one that does not exist, nor an
	// address that is in use like a free one.
	if !cache.WaitForCacheSync(ctx.Done(), p.pod.HasSynced, p.keys.synced) {
		p.queue.ShutDown()
		wait.Wait()
		return
	}
	for range workers {
		wait.Go(func() {
			for p.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	p.queue.ShutDown()
	wait.Wait()
}

func (p *pods) enqueue(o any) {
	if key, err := cache.MetaNamespaceKeyFunc(o); err == nil {
		p.queue.Add(key)
	}
}

func (p *pods) forget(o any) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	pod, ok := o.(*v1.Pod)
	if !ok {
		return
	}
	p.addresses.release(string(pod.UID))
	p.seen.forget(pod.Namespace + "/" + pod.Name)
}

// wake decides again about the pods of a namespace that wait for a Secret or ConfigMap.
func (p *pods) wake(namespace string) {
	for _, key := range p.seen.wake(namespace) {
		p.queue.Add(key)
	}
}

func (p *pods) next(ctx context.Context) bool {
	key, quit := p.queue.Get()
	if quit {
		return false
	}
	defer p.queue.Done(key)
	if err := p.sync(ctx, key); err != nil {
		if ctx.Err() == nil {
			fmt.Fprintf(p.log, "reporting pod %s: %v\n", key, err)
		}
		p.queue.AddRateLimited(key)
		return true
	}
	p.queue.Forget(key)
	return true
}

// sync brings the status of one pod up to date.
func (p *pods) sync(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return err
	}
	pod, err := p.lister.Pods(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	now := time.Now()
	last, known, mark := p.seen.begin(key)
	if known && last.written == pod.ResourceVersion && (last.due.IsZero() || now.Before(last.due)) {
		return nil
	}
	if known && last.read == pod.ResourceVersion && last.written != last.read {
		// The watch has yet to deliver what was written last; deciding on the old pod
		// would tell everything twice.
		p.queue.AddAfter(key, lag)
		return nil
	}
	if pod.DeletionTimestamp != nil && !lastPhaseCounts(pod) {
		return p.remove(ctx, pod)
	}
	f := p.gather(ctx, pod, now)
	d := decide(pod, f)
	version, err := p.write(ctx, pod, d)
	if err != nil {
		return err
	}
	s := sight{read: pod.ResourceVersion, written: version, unresolved: f.volume != nil || len(f.config) > 0}
	if d.after > 0 {
		s.due = now.Add(d.after)
		p.queue.AddAfter(key, d.after)
	}
	if p.seen.keep(key, s, mark) {
		p.queue.Add(key)
	}
	if pod.DeletionTimestamp != nil {
		return p.remove(ctx, pod)
	}
	return nil
}

func (p *pods) gather(ctx context.Context, pod *v1.Pod, now time.Time) facts {
	f := facts{now: now, nodeIP: nodeIP, podIP: nodeIP}
	if pod.DeletionTimestamp != nil || ended(pod) {
		return f
	}
	if !pod.Spec.HostNetwork {
		f.podIP = p.addresses.get(string(pod.UID))
	}
	if allRunning(pod) {
		return f
	}
	f.volume = resolveVolumes(pod, p.keys)
	if f.volume == nil {
		f.config = resolveEnvironment(pod, p.keys)
		f.pull = p.images.check(ctx, pod)
	}
	return f
}

// allRunning says that nothing of the pod is left to start.
func allRunning(pod *v1.Pod) bool {
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].State.Running == nil {
			return false
		}
	}
	return len(pod.Status.ContainerStatuses) == len(pod.Spec.Containers)
}

// write patches the status where it differs, then tells the events. It returns the
// resource version the decision stands for.
func (p *pods) write(ctx context.Context, pod *v1.Pod, d decision) (string, error) {
	version := pod.ResourceVersion
	updated, _, unchanged, err := podutil.PatchPodStatus(ctx, p.client, pod.Namespace, pod.Name, pod.UID, pod.Status, d.status)
	if apierrors.IsNotFound(err) {
		return version, nil
	}
	if err != nil {
		return "", err
	}
	if !unchanged {
		version = updated.ResourceVersion
	}
	for _, e := range d.events {
		p.recorder.Event(pod, e.kind, e.reason, e.message)
	}
	return version, nil
}

// remove tells the API server that the pod has stopped, which makes it go.
func (p *pods) remove(ctx context.Context, pod *v1.Pod) error {
	now := int64(0)
	err := p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now,
		Preconditions:      &metav1.Preconditions{UID: &pod.UID},
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// lastPhaseCounts says whether someone waits to see in which phase the pod ended: the Job
// controller does, and whoever holds the pod back with a finalizer may.
func lastPhaseCounts(pod *v1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return len(pod.Finalizers) > 0 || owner != nil && owner.Kind == "Job"
}

// waitGone returns when the pod has been deleted or has ended, or ctx ends.
func (p *pods) waitGone(ctx context.Context, pod *v1.Pod) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		now, err := p.lister.Pods(pod.Namespace).Get(pod.Name)
		if err != nil || now.UID != pod.UID || ended(now) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
