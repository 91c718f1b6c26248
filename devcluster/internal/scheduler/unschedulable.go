package scheduler

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/fairlead-cd/fairlead/devcluster/internal/simnode"
)

const pluginName = "FairleadSimulate"

// unschedulable turns every node away from a pod annotated as unschedulable, so that the
// condition and the event which tell of it are the scheduler's own.
type unschedulable struct{}

func newPlugin(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
	return unschedulable{}, nil
}

// Name implements fwk.Plugin.
func (unschedulable) Name() string { return pluginName }

// Filter implements fwk.FilterPlugin. The status is not resolvable, since evicting other
// pods would not help.
func (unschedulable) Filter(_ context.Context, _ fwk.CycleState, pod *v1.Pod, _ fwk.NodeInfo) *fwk.Status {
	if pod.Annotations[simnode.AnnotationSimulate] != simnode.Unschedulable {
		return nil
	}
	return fwk.NewStatus(fwk.UnschedulableAndUnresolvable, "Insufficient memory (simulated by annotation "+simnode.AnnotationSimulate+")")
}
