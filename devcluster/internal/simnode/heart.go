package simnode

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
)

const (
	leaseDuration = 40 * time.Second
	// leasePeriod is how often a kubelet renews its lease.
	leasePeriod = 10 * time.Second
)

// heart registers the node and keeps it alive in the eyes of the controllers.
type heart struct {
	client kubernetes.Interface
	name   string
	port   int32
	log    io.Writer

	// lease is as it was last written, or nil.
	lease *coordinationv1.Lease
}

// register creates the Node object, or brings one of a former run up to date.
func (h *heart) register(ctx context.Context) error {
	nodes := h.client.CoreV1().Nodes()
	wanted := h.object()
	_, err := nodes.Create(ctx, wanted, metav1.CreateOptions{})
	if err == nil || !apierrors.IsAlreadyExists(err) {
		return wrap(err, "registering node %q", h.name)
	}
	old, err := nodes.Get(ctx, h.name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading node %q: %w", h.name, err)
	}
	old.Labels, old.Annotations = merge(old.Labels, wanted.Labels), merge(old.Annotations, wanted.Annotations)
	old.Spec.ProviderID = wanted.Spec.ProviderID
	status := wanted.Status
	if old, err = nodes.Update(ctx, old, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("updating node %q: %w", h.name, err)
	}
	old.Status = status
	_, err = nodes.UpdateStatus(ctx, old, metav1.UpdateOptions{})
	return wrap(err, "updating status of node %q", h.name)
}

func (h *heart) object() *v1.Node {
	size := v1.ResourceList{
		v1.ResourceCPU:              resource.MustParse("64"),
		v1.ResourceMemory:           resource.MustParse("256Gi"),
		v1.ResourceEphemeralStorage: resource.MustParse("1Ti"),
		v1.ResourcePods:             resource.MustParse("5000"),
	}
	now := metav1.Now()
	condition := func(kind v1.NodeConditionType, status v1.ConditionStatus, reason, message string) v1.NodeCondition {
		return v1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: message,
			LastHeartbeatTime: now, LastTransitionTime: now}
	}
	return &v1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: h.name,
			Labels: map[string]string{
				v1.LabelHostname: h.name, v1.LabelOSStable: "linux", v1.LabelArchStable: runtime.GOARCH,
				LabelSimulated: "true",
			},
		},
		Status: v1.NodeStatus{
			Capacity: size, Allocatable: size,
			Addresses: []v1.NodeAddress{
				{Type: v1.NodeInternalIP, Address: nodeIP},
				{Type: v1.NodeHostName, Address: h.name},
			},
			DaemonEndpoints: v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: h.port}},
			NodeInfo: v1.NodeSystemInfo{
				KubeletVersion: version.Get().GitVersion, OperatingSystem: "linux", Architecture: runtime.GOARCH,
				OSImage: "simulated", KernelVersion: "simulated", ContainerRuntimeVersion: "simulated://0",
			},
			Conditions: []v1.NodeCondition{
				condition(v1.NodeMemoryPressure, v1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
				condition(v1.NodeDiskPressure, v1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
				condition(v1.NodePIDPressure, v1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
				condition(v1.NodeReady, v1.ConditionTrue, "KubeletReady", "simulated node: pods are reported, not run"),
			},
		},
	}
}

// waitSchedulable returns when the node is Ready and no taint keeps pods away; the taint
// every new node carries is taken off by the controller-manager.
func (h *heart) waitSchedulable(ctx context.Context) error {
	nodes := h.client.CoreV1().Nodes()
	selector := fields.OneTermEqualSelector("metadata.name", h.name).String()
	w, err := nodes.Watch(ctx, metav1.ListOptions{FieldSelector: selector})
	if err != nil {
		return fmt.Errorf("watching node %q: %w", h.name, err)
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for node %q to be schedulable: %w", h.name, ctx.Err())
		case e, open := <-w.ResultChan():
			if !open {
				return fmt.Errorf("waiting for node %q to be schedulable: the watch ended", h.name)
			}
			if n, ok := e.Object.(*v1.Node); ok && e.Type != watch.Deleted && schedulable(n) {
				return nil
			}
		}
	}
}

func schedulable(n *v1.Node) bool {
	for _, t := range n.Spec.Taints {
		if t.Key == v1.TaintNodeNotReady || t.Key == v1.TaintNodeUnreachable {
			return false
		}
	}
	for _, c := range n.Status.Conditions {
		if c.Type == v1.NodeReady {
			return c.Status == v1.ConditionTrue
		}
	}
	return false
}

// beat renews the node's lease until ctx ends.
func (h *heart) beat(ctx context.Context) {
	ticker := time.NewTicker(leasePeriod)
	defer ticker.Stop()
	for {
		if err := h.renew(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintf(h.log, "renewing lease of node %s: %v\n", h.name, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// renew is one request, unless someone else has touched the lease.
func (h *heart) renew(ctx context.Context) error {
	leases := h.client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	now, seconds := metav1.NewMicroTime(time.Now()), int32(leaseDuration.Seconds())
	spec := coordinationv1.LeaseSpec{HolderIdentity: &h.name, LeaseDurationSeconds: &seconds, RenewTime: &now}
	if h.lease == nil {
		lease, err := leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: h.name}, Spec: spec}, metav1.CreateOptions{})
		if err == nil {
			h.lease = lease
			return nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
		if h.lease, err = leases.Get(ctx, h.name, metav1.GetOptions{}); err != nil {
			return err
		}
	}
	lease := h.lease.DeepCopy()
	lease.Spec = spec
	lease, err := leases.Update(ctx, lease, metav1.UpdateOptions{})
	h.lease = lease
	if err != nil {
		h.lease = nil
	}
	return err
}

func merge(into, from map[string]string) map[string]string {
	if into == nil {
		into = map[string]string{}
	}
	for k, v := range from {
		into[k] = v
	}
	return into
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
