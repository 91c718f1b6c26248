package containerdnode

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// waitReady returns when this run's kubelet has said that the node is Ready. What the
// last run's said is still there, and older.
func (n *containerdNode) waitReady(ctx context.Context) error {
	begun := time.Now().Truncate(time.Second)
	config, err := clientcmd.BuildConfigFromFlags("", n.config.Kubeconfig)
	if err != nil {
		return fmt.Errorf("reading kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making client: %w", err)
	}
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
				if ready, state = isReady(object, begun); ready {
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
