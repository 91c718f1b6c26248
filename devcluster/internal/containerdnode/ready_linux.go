package containerdnode

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// waitReady returns when the node is Ready, Services answer, and nothing that an earlier
// run reported about its pods is left to be taken for this run's.
func (n *containerdNode) waitReady(ctx context.Context) error {
	config, err := clientcmd.BuildConfigFromFlags("", n.config.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making client: %w", err)
	}
	if err := n.waitNode(ctx, client); err != nil {
		return err
	}
	if err := n.waitProxy(ctx); err != nil {
		return err
	}
	return n.waitPods(ctx, client)
}

// waitNode waits for a word of this run's kubelet. What the last run's said is older.
func (n *containerdNode) waitNode(ctx context.Context, client kubernetes.Interface) error {
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", n.config.NodeName).String()}
	state := "not registered"
	for {
		watch, err := client.CoreV1().Nodes().Watch(ctx, options)
		if err == nil {
			for event := range watch.ResultChan() {
				object, ok := event.Object.(*corev1.Node)
				if !ok {
					continue
				}
				var ready bool
				if ready, state = isReady(object, n.begun); ready {
					watch.Stop()
					return nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for node %s: %s; the kubelet's last words: %s",
				n.config.NodeName, state, lastLine(n.layout.log("kubelet")))
		case <-time.After(pollPause):
		}
	}
}

func isReady(object *corev1.Node, since time.Time) (bool, string) {
	for _, c := range object.Status.Conditions {
		if c.Type != corev1.NodeReady || c.LastHeartbeatTime.Time.Before(since) {
			continue
		}
		return c.Status == corev1.ConditionTrue, c.Reason + ": " + c.Message
	}
	return false, "its kubelet has not reported yet"
}

// waitProxy waits until kube-proxy has written its rules for the first time.
func (n *containerdNode) waitProxy(ctx context.Context) error {
	address := "http://" + net.JoinHostPort(n.addresses.node.String(), proxyHealthPort) + "/healthz"
	client := http.Client{Timeout: time.Second}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return fmt.Errorf("asking kube-proxy: %w", err)
		}
		response, err := client.Do(request)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for kube-proxy: %w; its last words: %s", ctx.Err(), lastLine(n.layout.log("kube-proxy")))
		case <-time.After(pollPause):
		}
	}
}

// waitPods waits until the kubelet has taken back what the last run said of its pods:
// their containers ended with it, but the API server still has them as running and ready.
func (n *containerdNode) waitPods(ctx context.Context, client kubernetes.Interface) error {
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("spec.nodeName", n.config.NodeName).String()}
	for {
		pods, err := client.CoreV1().Pods("").List(ctx, options)
		if err == nil && !slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool { return isStale(&p, n.begun) }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the kubelet to look at its pods: %w", ctx.Err())
		case <-time.After(5 * pollPause):
		}
	}
}

// isStale reports whether a pod is said to be ready by containers older than this run.
func isStale(p *corev1.Pod, since time.Time) bool {
	ready := slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
	return ready && slices.ContainsFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.State.Running != nil && c.State.Running.StartedAt.Time.Before(since)
	})
}
