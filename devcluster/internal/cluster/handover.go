package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/fairlead-cd/fairlead/devcluster/internal/simnode"
)

// clearNode removes the Node of an earlier run when it was of another kind than the one
// that is about to start, with its pods: those a simulated node reported never ran, and
// those that ran have ended with their node. Their controllers make new ones.
func clearNode(ctx context.Context, kubeconfig string, simulated bool) error {
	client, err := newClient(kubeconfig)
	if err != nil {
		return err
	}
	old, err := client.CoreV1().Nodes().Get(ctx, NodeName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading node %q: %w", NodeName, err)
	}
	if (old.Labels[simnode.LabelSimulated] == "true") == simulated {
		return nil
	}
	if err := client.CoreV1().Nodes().Delete(ctx, NodeName, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing node %q of an earlier run: %w", NodeName, err)
	}
	pods, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.nodeName", NodeName).String(),
	})
	if err != nil {
		return fmt.Errorf("listing pods of an earlier run: %w", err)
	}
	now := int64(0)
	for i := range pods.Items {
		pod := &pods.Items[i]
		err := client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID},
		})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("removing pod %s/%s of an earlier run: %w", pod.Namespace, pod.Name, err)
		}
	}
	return nil
}
