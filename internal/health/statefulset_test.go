package health

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// TestDiagnoseLeftBehind: a broken pod of a StatefulSet's revision that was left has to be deleted, and what
// it fails of is not what the source asks for. Where Kubernetes replaces it, it is told as ever.
func TestDiagnoseLeftBehind(t *testing.T) {
	const broken = `
object: container web: ImagePullBackOff
event: rpc error: not found
cause: image example.com/web:bad: not found in example.com
source: values image.tag
`
	const left = `
object: container web: ImagePullBackOff
event: rpc error: not found
cause: pod s-1 still runs the revision that was left (image example.com/web:bad: not found in example.com), and Kubernetes does not replace it by itself
`
	for name, tt := range map[string]struct {
		spec, hash string // of the set; of its broken pod
		want       string
		next       string
	}{
		"in order":                {"", "bad", "StatefulSet/s 1/2 ready: LeftBehind final" + left, "kubectl delete pod -n dev s-1"},
		"replaced by hand":        {"updateStrategy: {type: OnDelete}", "bad", "StatefulSet/s 1/2 ready: LeftBehind final" + left, "kubectl delete pod -n dev s-1"},
		"all at once":             {"podManagementPolicy: Parallel", "bad", "StatefulSet/s 1/2 ready: ImagePullBackOff final" + broken, "push the image, or correct its name or tag"},
		"below the partition":     {"updateStrategy: {rollingUpdate: {partition: 2}}", "bad", "StatefulSet/s 1/2 ready: ImagePullBackOff final" + broken, "push the image, or correct its name or tag"},
		"of the revision to come": {"", "good", "StatefulSet/s 1/2 ready: ImagePullBackOff final" + broken, "push the image, or correct its name or tag"},
	} {
		key := model.ObjectKey{Group: "apps", Kind: "StatefulSet", Namespace: "dev", Name: "s"}
		f := &fixture{objects: map[model.ObjectKey]map[string]any{key: parse(t, `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: s, namespace: dev, uid: s1, generation: 3}
status: {observedGeneration: 3, replicas: 2, readyReplicas: 1, updatedReplicas: 1, currentRevision: good, updateRevision: good}
spec:
  replicas: 2
  selector: {matchLabels: {app: s}}
`+indent(tt.spec)+"\n")}}
		yes := true
		for i, podName := range []string{"s-0", "s-1"} {
			hash, status := "good", `conditions: [{type: Ready, status: "True"}]`
			if i == 1 {
				hash, status = tt.hash, `containerStatuses: [{name: web, state: {waiting: {reason: ImagePullBackOff, message: "rpc error: not found"}}}]`
			}
			p := corev1.Pod{}
			if err := yaml.Unmarshal([]byte("spec: {containers: [{name: web, image: 'example.com/web:bad'}]}\nstatus: {"+status+"}"), &p); err != nil {
				t.Fatal(err)
			}
			p.ObjectMeta = metav1.ObjectMeta{
				Name: podName, Namespace: "dev", Labels: map[string]string{"app": "s", labelRevisionHash: hash},
				OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: "s", UID: "s1", Controller: &yes}},
			}
			f.pods = append(f.pods, p)
		}
		o := Options{Now: now, Locate: func(string) (string, bool) { return "values image.tag", true }}
		causes, err := Diagnose(t.Context(), f, key, o)
		if err != nil || len(causes) != 1 {
			t.Fatalf("%s: causes %+v, error %v", name, causes, err)
		}
		if diff := cmp.Diff(tt.want, told(causes[0])); diff != "" {
			t.Errorf("%s: cause (-want +got):\n%s", name, diff)
		}
		if causes[0].Next != tt.next {
			t.Errorf("%s: next %q", name, causes[0].Next)
		}
	}
}
