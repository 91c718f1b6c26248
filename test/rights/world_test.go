package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	authv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/internal/testkit"
)

// How long a step may wait: more than one takes, and for those that wait in vain not much more.
const (
	enough = "2m"
	inVain = "8s"
)

// tool is one of those that deploy: the commands of a release's life, each with the chart's message
// where it takes one.
type tool struct {
	name  string
	bin   string
	env   []string
	steps func(release, chart, limit string, values, change []string) [][]string
	// streams says that the tool lists by watching where the API server can do that, as this one can:
	// the right to list a kind of the chart is for older ones, and cannot be missed here.
	streams bool
}

func fairlead(*testing.T) tool {
	return tool{name: "fairlead", bin: program, streams: true, steps: func(release, chart, limit string, values, change []string) [][]string {
		deploy := func(more ...string) []string {
			return append(append([]string{"deploy", release, chart, "--timeout", limit}, values...), more...)
		}
		rollback, uninstall := []string{"rollback", release, "--timeout", limit}, []string{"uninstall", release, "--timeout", limit}
		if len(change) == 0 { // nothing happens for nothing, so there is one revision
			return [][]string{deploy(), deploy(), uninstall}
		}
		return [][]string{deploy(), deploy(change...), rollback, uninstall}
	}}
}

func helm(t *testing.T) tool {
	bin, err := testkit.HelmBinary()
	if err != nil {
		t.Fatal(err)
	}
	// Servers that cannot stream a list make clients list and watch, which is what the rights are for.
	env := []string{"KUBE_FEATURE_WatchListClient=false"}
	return tool{name: "helm", bin: bin, env: env, steps: func(release, chart, limit string, values, change []string) [][]string {
		deploy := func(more ...string) []string {
			return append(append([]string{"upgrade", "--install", release, chart, "--wait", "--timeout", limit}, values...), more...)
		}
		return [][]string{
			deploy(), deploy(change...),
			{"rollback", release, "--wait", "--timeout", limit}, {"uninstall", release, "--wait", "--timeout", limit},
		}
	}}
}

// world is a namespace with a deployer in it.
type world struct {
	t          *testing.T
	admin      kubernetes.Interface
	dynamic    dynamic.Interface
	namespace  string
	kubeconfig string // of the deployer
}

// newWorld makes a namespace; nobody in it has any rights yet.
func newWorld(t *testing.T, namespace string) *world {
	t.Helper()
	c := cluster.Get(t)
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	admin, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dyn, err := dynamic.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, admin: admin, dynamic: dyn, namespace: namespace}
	if _, err := admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.kubeconfig = w.impersonate(c.Kubeconfig)
	return w
}

const account = "deployer"

// user is what the API server calls the deployer.
func (w *world) user() string { return "system:serviceaccount:" + w.namespace + ":" + account }

// impersonate writes a kubeconfig that acts as the deployer.
func (w *world) impersonate(from string) string {
	cfg, err := clientcmd.LoadFromFile(from)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range cfg.AuthInfos {
		u.Impersonate = w.user()
	}
	file := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*cfg, file); err != nil {
		w.t.Fatal(err)
	}
	return file
}

// manifests are what the command prints, one right removed when without is not negative.
type manifests struct {
	roles    []rbacv1.ClusterRole // Roles and ClusterRoles alike, told apart by namespace
	bindings []rbacv1.ClusterRoleBinding
}

// ask runs the command.
func (w *world) ask(tl tool, release, chart string, values []string) manifests {
	w.t.Helper()
	args := append([]string{"chart", "rbac", chart, "-n", w.namespace, "--release", release, "--for", tl.name, "--service-account", account, "-o", "json"}, values...)
	cmd := exec.Command(program, args...)
	cmd.Env = w.env(nil)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("chart rbac: %v\n%s", err, errs.String())
	}
	if errs.Len() > 0 {
		w.t.Log(errs.String())
	}
	var list struct{ Items []json.RawMessage }
	if err := json.Unmarshal(out, &list); err != nil {
		w.t.Fatal(err)
	}
	var m manifests
	for _, item := range list.Items {
		var head metav1.TypeMeta
		if err := json.Unmarshal(item, &head); err != nil {
			w.t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(head.Kind, "Binding"):
			var b rbacv1.ClusterRoleBinding
			if err := json.Unmarshal(item, &b); err != nil {
				w.t.Fatal(err)
			}
			m.bindings = append(m.bindings, b)
		case strings.HasSuffix(head.Kind, "Role"):
			var r rbacv1.ClusterRole
			if err := json.Unmarshal(item, &r); err != nil {
				w.t.Fatal(err)
			}
			m.roles = append(m.roles, r)
		}
	}
	return m
}

// apply makes the roles and bindings, and waits until the API server goes by them.
func (w *world) apply(m manifests) {
	w.t.Helper()
	ctx, opts := w.t.Context(), metav1.CreateOptions{}
	api := w.admin.RbacV1()
	var err error
	for _, r := range m.roles {
		if r.Namespace == "" {
			_, err = api.ClusterRoles().Create(ctx, &r, opts)
		} else {
			_, err = api.Roles(r.Namespace).Create(ctx, &rbacv1.Role{ObjectMeta: r.ObjectMeta, Rules: r.Rules}, opts)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for _, b := range m.bindings {
		if b.Namespace == "" {
			_, err = api.ClusterRoleBindings().Create(ctx, &b, opts)
		} else {
			_, err = api.RoleBindings(b.Namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: b.ObjectMeta, RoleRef: b.RoleRef, Subjects: b.Subjects}, opts)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	for _, r := range m.roles {
		w.await(r)
	}
	w.t.Cleanup(func() { w.takeAway(m) })
}

// takeAway deletes what lies outside of the deployer's namespace, where the next one finds it.
func (w *world) takeAway(m manifests) {
	ctx, opts, api := context.WithoutCancel(w.t.Context()), metav1.DeleteOptions{}, w.admin.RbacV1()
	gone := func(err error) {
		if err != nil && !apierrors.IsNotFound(err) {
			w.t.Error(err)
		}
	}
	for _, b := range m.bindings {
		if b.Namespace == "" {
			gone(api.ClusterRoleBindings().Delete(ctx, b.Name, opts))
		} else {
			gone(api.RoleBindings(b.Namespace).Delete(ctx, b.Name, opts))
		}
	}
	for _, r := range m.roles {
		if r.Namespace == "" {
			gone(api.ClusterRoles().Delete(ctx, r.Name, opts))
		} else {
			gone(api.Roles(r.Namespace).Delete(ctx, r.Name, opts))
		}
	}
}

// await asks until the first right of a role is granted; all of a role come at once.
func (w *world) await(r rbacv1.ClusterRole) {
	w.t.Helper()
	review := &authv1.SubjectAccessReview{Spec: authv1.SubjectAccessReviewSpec{User: w.user()}}
	for _, rule := range r.Rules {
		if len(rule.Resources) == 0 {
			continue
		}
		resource, sub, _ := strings.Cut(rule.Resources[0], "/")
		review.Spec.ResourceAttributes = &authv1.ResourceAttributes{
			Namespace: r.Namespace, Verb: rule.Verbs[0], Group: rule.APIGroups[0], Resource: resource, Subresource: sub,
		}
		if len(rule.ResourceNames) > 0 {
			review.Spec.ResourceAttributes.Name = rule.ResourceNames[0]
		}
		break
	}
	if review.Spec.ResourceAttributes == nil {
		return
	}
	err := wait.PollUntilContextTimeout(w.t.Context(), 20*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		got, err := w.admin.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		return err == nil && got.Status.Allowed, err
	})
	if err != nil {
		w.t.Fatalf("the rights never came: %v", err)
	}
}

var definitionResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// delayDefinitions keeps new definitions from being accepted, and so from being ready, until its
// result is called: nobody can write their status.
func (w *world) delayDefinitions() (admit func()) {
	w.t.Helper()
	ctx, definitions, policies := w.t.Context(), w.dynamic.Resource(definitionResource), w.admin.AdmissionregistrationV1()
	const name, probe = "delay-definitions", "probes.rights.example.com"
	_, err := definitions.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": probe},
		"spec": map[string]any{
			"group": "rights.example.com", "scope": "Cluster",
			"names": map[string]any{"plural": "probes", "kind": "Probe"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}},
			}},
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	fail := admissionv1.Fail
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: admissionv1.ValidatingAdmissionPolicySpec{
		FailurePolicy: &fail,
		MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
			Operations: []admissionv1.OperationType{admissionv1.Update},
			Rule:       admissionv1.Rule{APIGroups: []string{definitionResource.Group}, APIVersions: []string{"*"}, Resources: []string{"customresourcedefinitions/status"}},
		}}}},
		Validations: []admissionv1.Validation{{Expression: "false"}},
	}}
	if _, err := policies.ValidatingAdmissionPolicies().Create(ctx, policy, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
	}}
	if _, err := policies.ValidatingAdmissionPolicyBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	delayed := func(want bool) {
		w.t.Helper()
		err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
			_, err := definitions.Patch(ctx, probe, types.MergePatchType, []byte(`{"status":{"storedVersions":["v1"]}}`), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}, "status")
			if err != nil && !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) {
				return false, err
			}
			return (err != nil) == want, nil
		})
		if err != nil {
			w.t.Fatalf("the policy does not count: %v", err)
		}
	}
	delayed(true)
	lift := func(ctx context.Context) error {
		return errors.Join(
			found(policies.ValidatingAdmissionPolicyBindings().Delete(ctx, name, metav1.DeleteOptions{})),
			found(policies.ValidatingAdmissionPolicies().Delete(ctx, name, metav1.DeleteOptions{})),
		)
	}
	w.t.Cleanup(func() { // a test that ends early must not keep others from theirs
		if err := lift(context.Background()); err != nil {
			w.t.Error(err)
		}
	})
	return func() {
		w.t.Helper()
		if err := lift(ctx); err != nil {
			w.t.Fatal(err)
		}
		delayed(false)
		w.undefine(probe)
	}
}

// found leaves out that something is gone already.
func found(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// undefine deletes a definition and waits until it is gone, its objects with it.
func (w *world) undefine(name string) {
	w.t.Helper()
	definitions := w.dynamic.Resource(definitionResource)
	if err := definitions.Delete(w.t.Context(), name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		w.t.Fatal(err)
	}
	err := wait.PollUntilContextTimeout(w.t.Context(), 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		_, err := definitions.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		w.t.Fatalf("the definition is not gone: %v", err)
	}
}

func (w *world) env(more []string) []string {
	home := filepath.Join(filepath.Dir(w.kubeconfig), "home")
	return append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + w.kubeconfig, "CI=true"}, more...)
}

// leaveLock leaves the lock of a run that died, as `fairlead deploy` would have.
func (w *world) leaveLock(release string) {
	w.t.Helper()
	died := exec.Command("true")
	if err := died.Run(); err != nil {
		w.t.Fatal(err)
	}
	host, _ := os.Hostname()
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		space = "pid"
	}
	holder, err := json.Marshal(map[string]any{
		"who": "a job", "doing": "deploy", "since": time.Now().UTC(), "proc": fmt.Sprint(host, " ", space, " ", died.Process.Pid), "beat": 1,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	lock := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "fairlead.lock." + release}, Type: "fairlead.dev/lock", Data: map[string][]byte{"holder": holder}}
	if _, err := w.admin.CoreV1().Secrets(w.namespace).Create(w.t.Context(), lock, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// live runs through a release's life. It gives the step that failed, and what was said.
func (w *world) live(tl tool, release, chart, limit string, values, change []string) (step int, said string) {
	if tl.name == "fairlead" {
		w.leaveLock(release)
	}
	for i, args := range tl.steps(release, chart, limit, values, change) {
		cmd := exec.CommandContext(w.t.Context(), tl.bin, append(args, "--namespace", w.namespace)...)
		cmd.Env = w.env(tl.env)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return i + 1, fmt.Sprintf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return 0, ""
}
