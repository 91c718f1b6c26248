package apply_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

const binding = `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: one}
subjects: [{kind: ServiceAccount, name: web}]
`

// TestErrors holds what users read when the API server refuses an object: kind and reason for
// machines, the field, file and line for people.
func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		name, before, manifests string
		prepare                 func(*line)
		kind                    model.ErrorKind
		reason                  string
		want                    []string // in the message
		secret                  string   // not in the message
		next                    string   // in what to do
	}{
		{
			name: "unknown field", manifests: strings.Replace(app, "image: registry", "imge: registry", 1),
			kind: model.ErrInvalid, reason: "UnknownField",
			want: []string{"app.yaml:1: Deployment/web: ", `.spec.template.spec.containers[name="app"].imge: field not declared in schema`},
		},
		{
			name: "wrong type", manifests: strings.Replace(app, "replicas: 2", "replicas: two", 1),
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"app.yaml:1: Deployment/web: ", ".spec.replicas"},
		},
		{
			name: "invalid value", manifests: strings.Replace(app, "port: 80, targetPort", "port: 99999, targetPort", 1),
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"app.yaml:20: Service/web: spec.ports[0].port: Invalid value: 99999"},
		},
		{
			name: "immutable field", before: app,
			manifests: strings.NewReplacer("matchLabels: {app: web}", "matchLabels: {app: w2}", "labels: {app: web}, annotations", "labels: {app: w2}, annotations").Replace(app),
			kind:      model.ErrInvalid, reason: "ImmutableField", want: []string{"Deployment/web: spec.selector: ", "immutable"},
		},
		{
			name: "variable twice", manifests: strings.Replace(app, "{name: B, value: b}", "{name: A, value: b}", 1),
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"app.yaml:1: Deployment/web: ", `env: duplicate entries for key [name="A"]`},
			next: "remove one of the two: where both are taken, as by Helm 3, the container gets the last one",
		},
		{
			name: "port twice", manifests: strings.Replace(app, "{containerPort: 80, name: http}", "{containerPort: 80, name: http}, {containerPort: 80}", 1),
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"duplicate entries for key"},
			next: "remove all but one of the entries that are the same in containerPort=80",
		},
		{
			name: "role of a binding", before: binding,
			manifests: strings.Replace(binding, "name: one}", "name: two}", 1),
			kind:      model.ErrInvalid, reason: "ImmutableField", want: []string{"RoleBinding/web: roleRef: ", "cannot change roleRef"},
			next: "the field cannot be changed in place: delete the object and sync again",
		},
		{
			name: "unknown kind", manifests: app + "---\napiVersion: nobody.example/v1\nkind: Thing\nmetadata: {name: a}\n",
			kind: model.ErrInvalid, reason: "UnknownKind", want: []string{"app.yaml:36: Thing/a: the cluster has no kind nobody.example/v1 Thing"},
		},
		{
			name: "old version", manifests: "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\n",
			kind: model.ErrInvalid, reason: "UnknownKind", want: []string{"extensions/v1beta1 Deployment"},
		},
		{
			name: "namespace missing", manifests: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: nowhere}\n",
			kind: model.ErrNotFound, reason: "NamespaceNotFound", want: []string{`ConfigMap/a: namespace "nowhere" does not exist`},
		},
		{
			name: "secret with a wrong type", manifests: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: 31337}\n",
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"Secret/a: ", "password"}, secret: "31337",
		},
		{
			name: "secret that is not base64", manifests: "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: 'hunter2!'}\n",
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"Secret/a: "}, secret: "hunter2",
		},
		{
			name: "secret of a type without its key", manifests: "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\nmetadata: {name: a}\nstringData: {.dockerconfigjson: hunter2}\n",
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"Secret/a: "}, secret: "hunter2",
		},
		{
			name: "quantity", manifests: strings.Replace(app, "cpu: 10m", "cpu: lots", 1),
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"app.yaml:1: Deployment/web: ", "quantities must match"},
		},
		{
			name: "missing required field", manifests: strings.Replace(app, "image: registry.local/web:1", "tty: true", 1),
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"spec.template.spec.containers[0].image: Required value"},
		},
		{
			name: "name that leads elsewhere", manifests: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ../../kube-system/configmaps/a}\n",
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"app.yaml:1: ", "metadata.name may not contain '/'"},
		},
		{
			name: "namespace that leads elsewhere", manifests: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ..}\n",
			kind: model.ErrInvalid, reason: "InvalidObject", want: []string{"app.yaml:1: ", "metadata.namespace may not be '..'"},
		},
		{
			name: "quota", manifests: app,
			prepare: func(l *line) {
				_, err := l.others.CoreV1().ResourceQuotas(l.release.Namespace).Create(l.ctx, &corev1.ResourceQuota{
					ObjectMeta: metav1.ObjectMeta{Name: "q"},
					Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/configmaps": resource.MustParse("0")}},
				}, metav1.CreateOptions{})
				must(l.t, err)
				l.until("the quota is counted", func() bool {
					q, err := l.others.CoreV1().ResourceQuotas(l.release.Namespace).Get(l.ctx, "q", metav1.GetOptions{})
					return err == nil && len(q.Status.Hard) > 0
				})
			},
			kind: model.ErrDenied, reason: "QuotaExceeded", want: []string{"ConfigMap/web: ", "exceeded quota: q"},
		},
		{
			name: "namespace being deleted", manifests: app,
			prepare: func(l *line) {
				_, err := l.others.CoreV1().ConfigMaps(l.release.Namespace).Create(l.ctx, &corev1.ConfigMap{
					ObjectMeta: metav1.ObjectMeta{Name: "stays", Finalizers: []string{"example.com/stays"}},
				}, metav1.CreateOptions{})
				must(l.t, err)
				must(l.t, l.others.CoreV1().Namespaces().Delete(l.ctx, l.release.Namespace, metav1.DeleteOptions{}))
			},
			kind: model.ErrConflict, reason: "NamespaceTerminating", want: []string{"its namespace is being deleted"},
		},
		{
			name: "no rights", manifests: app,
			prepare: func(l *line) {
				var err error
				l.applier, err = l.applier.As(l.release.Namespace + "/default")
				must(l.t, err)
			},
			kind: model.ErrDenied, reason: "Forbidden", want: []string{":default\" cannot patch resource"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLine(t)
			l.sync(tc.before)
			if tc.prepare != nil {
				tc.prepare(l)
			}
			start := time.Now()
			_, _, err := l.run(tc.manifests)
			if err == nil {
				t.Fatal("no error")
			}
			t.Log(err)
			var e *model.Error
			if !errors.As(err, &e) {
				t.Fatalf("%T is no *model.Error", err)
			}
			t.Log("next:", e.Next)
			if e.Kind != tc.kind || e.Reason != tc.reason {
				t.Errorf("kind %s, reason %s; want %s, %s", e.Kind, e.Reason, tc.kind, tc.reason)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if !strings.Contains(e.Next, tc.next) {
				t.Errorf("next is %q, want %q", e.Next, tc.next)
			}
			if tc.secret != "" && strings.Contains(err.Error(), tc.secret) {
				t.Errorf("%q tells a secret", err)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("it took %v: tried again in vain?", d)
			}
		})
	}
}

// until waits for a condition that no watch of the line tells of.
func (l *line) until(what string, ok func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("waiting until %s", what)
		}
	}
}
