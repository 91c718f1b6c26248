package health

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

var devCluster testkit.SharedCluster

func TestMain(m *testing.M) { os.Exit(devCluster.Main(m)) }

// scene is a namespace of the real API server, with a simulated node.
type scene struct {
	t         *testing.T
	cluster   *Cluster
	namespace string
	stage     *stage
	keys      []model.ObjectKey
	versions  map[model.ObjectKey]string
}

func newScene(t *testing.T, name string, labels map[string]string) *scene {
	t.Helper()
	t.Parallel()
	cfg, err := clientcmd.BuildConfigFromFlags("", devCluster.Get(t).Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.QPS = -1
	typed, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dyn, err := dynamic.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, cluster: NewCluster(typed, dyn, nil), stage: newStage(), versions: map[model.ObjectKey]string{}}
	ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
	ns.SetGenerateName(name + "-")
	ns.SetLabels(labels)
	ns, err = dyn.Resource(builtIn[groupKind{"", "Namespace"}]).Create(t.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s.namespace = ns.GetName()
	// What every pod needs comes a moment after its namespace.
	s.awaitObject(model.ObjectKey{Kind: "ServiceAccount", Namespace: s.namespace, Name: "default"})
	s.awaitObject(model.ObjectKey{Kind: "ConfigMap", Namespace: s.namespace, Name: "kube-root-ca.crt"})
	return s
}

func (s *scene) awaitObject(key model.ObjectKey) {
	s.t.Helper()
	client := s.cluster.dynamic.Resource(builtIn[groupKind{key.Group, key.Kind}]).Namespace(key.Namespace)
	w, err := client.Watch(s.t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + key.Name})
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Stop()
	s.first(w, key.Short())
}

// first waits for a watch to tell anything.
func (s *scene) first(w watch.Interface, what string) {
	s.t.Helper()
	select {
	case <-w.ResultChan():
	case <-time.After(time.Minute):
		s.t.Fatalf("%s did not come", what)
	}
}

// apply applies a manifest as Fairlead would, and watches what becomes of it.
func (s *scene) apply(manifest string) model.ObjectKey {
	s.t.Helper()
	obj := &unstructured.Unstructured{Object: parse(s.t, manifest)}
	obj.SetNamespace(s.namespace)
	gvk := obj.GroupVersionKind()
	key := model.ObjectKey{Group: gvk.Group, Kind: gvk.Kind, Namespace: s.namespace, Name: obj.GetName()}
	client := s.cluster.dynamic.Resource(builtIn[groupKind{gvk.Group, gvk.Kind}]).Namespace(s.namespace)
	got, err := client.Apply(s.t.Context(), obj.GetName(), obj, metav1.ApplyOptions{FieldManager: model.FieldManager, Force: true})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, known := s.versions[key]; !known {
		s.keys = append(s.keys, key)
		s.watch(client, key)
	}
	s.versions[key] = got.GetResourceVersion()
	return key
}

func (s *scene) watch(client dynamic.ResourceInterface, key model.ObjectKey) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.t.Cleanup(cancel)
	w, err := client.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + key.Name})
	if err != nil {
		s.t.Fatal(err)
	}
	go func() {
		for e := range w.ResultChan() {
			if obj, ok := e.Object.(*unstructured.Unstructured); ok && e.Type != watch.Deleted {
				s.stage.set(key, obj.GetResourceVersion(), Of(obj.Object))
			}
		}
	}()
}

func (s *scene) wait(rules Rules, timeout time.Duration) (model.Verdict, *Waiter) {
	s.t.Helper()
	w := NewWaiter(s.cluster, rules)
	v := w.Wait(s.t.Context(), Target{Release: model.Release{Timeout: timeout}, Keys: s.keys, Versions: s.versions}, s.stage, nil)
	w.feeds.mu.Lock()
	defer w.feeds.mu.Unlock()
	if n := len(w.feeds.open); n != 0 {
		s.t.Errorf("%d feeds are left open", n)
	}
	return v, w
}

// quick are rules whose graces are over soon.
func quick() Rules {
	r := DefaultRules()
	r.Restarts, r.Unschedulable, r.Missing, r.Quota = 1, 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	return r
}

// deploymentOf is a Deployment named web, its pods annotated and their container extended.
func deploymentOf(replicas, annotations, container string) string {
	return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ` + replicas + `
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {` + annotations + `}}
    spec:
      containers:
      - name: web
        image: registry.k8s.io/pause:3.10
` + container
}

func TestClusterHealthy(t *testing.T) {
	s := newScene(t, "healthy", nil)
	s.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}")
	s.apply(deploymentOf("2", "fairlead.dev/simulate: slow-ready=1s", ""))
	v, _ := s.wait(Rules{}, time.Minute)
	if v.Status != model.Healthy || len(v.Objects) != 2 {
		t.Fatalf("verdict is %+v", v)
	}
	s.apply(deploymentOf("3", "v: two", ""))
	if v, _ = s.wait(Rules{}, time.Minute); v.Status != model.Healthy {
		t.Fatalf("verdict of the update is %+v", v)
	}
	tree := Tree(t.Context(), s.cluster, s.keys)
	if len(tree) != 2 || len(tree[1].Children) != 1 || len(tree[1].Children[0].Children) != 3 {
		t.Fatalf("tree is %+v", tree)
	}
	if h := tree[1].Children[0].Health; h.Message != "revision 2, 3/3 ready" {
		t.Errorf("the current ReplicaSet is %+v", h)
	}
}

func TestClusterFailures(t *testing.T) {
	for _, tc := range []struct {
		name     string
		labels   map[string]string // of the namespace
		manifest []string
		rules    Rules
		reason   string
		links    []string // parts of the chain, in order
	}{
		{
			name:     "crash",
			manifest: []string{deploymentOf("2", `fairlead.dev/simulate: crash-loop, fairlead.dev/simulate-log: "starting\npanic: DATABASE_URL is empty"`, "")},
			rules:    quick(), reason: "CrashLoopBackOff",
			links: []string{"object revision 1, 2 pods", "object container web: CrashLoopBackOff, exit 1, 1 restart", "log starting\npanic: DATABASE_URL is empty", "cause panic: DATABASE_URL is empty"},
		},
		{
			name:     "image",
			manifest: []string{deploymentOf("1", "fairlead.dev/simulate: image-pull-error", "")},
			reason:   "ImagePull", links: []string{"cause image registry.k8s.io/pause:3.10: not found in registry.k8s.io"},
		},
		{
			name:     "unschedulable",
			manifest: []string{deploymentOf("1", "", "        resources: {requests: {cpu: 1000}}")},
			rules:    quick(), reason: "Unschedulable", links: []string{"cause 0 of 1 nodes fit: 1 Insufficient cpu; the pod requests cpu 1k"},
		},
		{
			name:     "secret",
			manifest: []string{deploymentOf("1", "", "        env: [{name: URL, valueFrom: {secretKeyRef: {name: db, key: url}}}]")},
			rules:    quick(), reason: "MissingSecret", links: []string{"object container web: CreateContainerConfigError", "cause env URL <- Secret/db: does not exist"},
		},
		{
			name: "key",
			manifest: []string{
				"apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {uri: postgres}",
				deploymentOf("1", "", "        env: [{name: URL, valueFrom: {secretKeyRef: {name: db, key: url}}}]"),
			},
			rules: quick(), reason: "MissingSecret", links: []string{`cause env URL <- Secret/db key "url": key missing (has uri)`},
		},
		{
			name:     "volume",
			manifest: []string{deploymentOf("1", "", "      volumes: [{name: config, configMap: {name: web}}]")},
			rules:    quick(), reason: "MissingConfigMap", links: []string{`event FailedMount`, "cause volume config <- ConfigMap/web: does not exist"},
		},
		{
			name:     "security",
			labels:   map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
			manifest: []string{deploymentOf("1", "", "")},
			reason:   "PodSecurity", links: []string{`cause violates PodSecurity "restricted:latest"`},
		},
		{
			name:     "account",
			manifest: []string{deploymentOf("1", "", "      serviceAccountName: web")},
			rules:    quick(), reason: "MissingServiceAccount", links: []string{`cause error looking up service account fail-account-`},
		},
		{
			name: "job",
			manifest: []string{`
apiVersion: batch/v1
kind: Job
metadata: {name: migrate}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {fairlead.dev/simulate: job-fail, fairlead.dev/simulate-log: 'ERROR: relation exists'}}
    spec: {restartPolicy: Never, containers: [{name: migrate, image: migrate}]}`},
			reason: "ContainerFailed", links: []string{"object failed once (backoffLimit 0)", "object container migrate: exit 1", "log ERROR: relation exists", "cause ERROR: relation exists"},
		},
		{
			name: "set",
			manifest: []string{`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}, annotations: {fairlead.dev/simulate: image-pull-error}}
    spec: {containers: [{name: db, image: "shop/db:9"}]}`},
			reason: "ImagePull", links: []string{"cause image shop/db:9: not found in docker.io"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t, "fail-"+tc.name, tc.labels)
			for _, m := range tc.manifest {
				s.apply(m)
			}
			v, _ := s.wait(tc.rules, 2*time.Minute)
			if v.Reason != VerdictFailed || v.Status != model.Degraded || len(v.Causes) != 1 {
				t.Fatalf("verdict is %+v", v)
			}
			c := v.Causes[0]
			if !c.Final || !strings.Contains(c.Reason, tc.reason) {
				t.Errorf("reason is %s, final %v", c.Reason, c.Final)
			}
			var chain []string
			for _, l := range c.Links {
				chain = append(chain, string(l.Role)+" "+l.Text)
			}
			next := 0
			for _, link := range chain {
				if next < len(tc.links) && strings.HasPrefix(link, tc.links[next]) {
					next++
				}
			}
			if next < len(tc.links) {
				t.Errorf("the chain lacks %q:\n%s", tc.links[next], strings.Join(chain, "\n"))
			}
		})
	}
}

func TestClusterQuota(t *testing.T) {
	s := newScene(t, "quota", nil)
	quota := &unstructured.Unstructured{Object: parse(t, "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: 0}}")}
	resource := builtIn[groupKind{"", "Pod"}]
	resource.Resource = "resourcequotas"
	client := s.cluster.dynamic.Resource(resource).Namespace(s.namespace)
	if _, err := client.Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for { // a quota counts once its controller has seen it
		got, err := client.Get(t.Context(), "small", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if content(got.Object).has("status", "hard", "pods") {
			break
		}
	}
	s.apply(deploymentOf("1", "", ""))
	v, _ := s.wait(Rules{}, time.Minute)
	want := "Deployment/web 0/1 ready: exceeded quota: small, requested: pods=1, used: pods=0, limited: pods=0"
	if v.Reason != VerdictFailed || v.Message != want {
		t.Errorf("verdict is %s %q", v.Reason, v.Message)
	}
}

// await returns when an event of this reason was reported in the namespace.
func (s *scene) await(reason string) {
	s.t.Helper()
	w, err := s.cluster.typed.CoreV1().Events(s.namespace).Watch(s.t.Context(), metav1.ListOptions{FieldSelector: "reason=" + reason})
	if err != nil {
		s.t.Fatal(err)
	}
	defer w.Stop()
	s.first(w, "an event "+reason)
}

// Time that is up names what was waited for.
func TestClusterUnready(t *testing.T) {
	s := newScene(t, "unready", nil)
	s.apply(deploymentOf("1", "fairlead.dev/simulate: unready", "        readinessProbe: {httpGet: {path: /health, port: 8080}}"))
	s.await("Unhealthy")
	v, _ := s.wait(Rules{}, time.Second)
	if v.Reason != VerdictTimeout || len(v.Causes) != 1 || v.Causes[0].Reason != "ReadinessProbeFailed" {
		t.Fatalf("verdict is %+v", v)
	}
	want := "not healthy after 1s: Deployment/web 0/1 ready: readiness probe GET :8080/health of container web answers"
	if !strings.HasPrefix(v.Message, want) {
		t.Errorf("message is %q", v.Message)
	}
}

// A broken update fails by its new pod, while the old ones go on.
func TestClusterBrokenUpdate(t *testing.T) {
	s := newScene(t, "update", nil)
	s.apply(deploymentOf("3", "", ""))
	if v, _ := s.wait(Rules{}, time.Minute); v.Status != model.Healthy {
		t.Fatalf("verdict is %+v", v)
	}
	began := time.Now()
	key := s.apply(strings.ReplaceAll(deploymentOf("3", "fairlead.dev/simulate-missing-images: 'registry.k8s.io/pause:nope'", ""), "pause:3.10", "pause:nope"))
	v, _ := s.wait(Rules{}, time.Minute)
	t.Logf("the cause was known after %s", time.Since(began))
	want := "Deployment/web 0/3 ready: image registry.k8s.io/pause:nope: not found in registry.k8s.io"
	if v.Reason != VerdictFailed || v.Message != want {
		t.Errorf("verdict is %s %q", v.Reason, v.Message)
	}
	// The diagnosis alone, as "why" asks for it, tells the same.
	causes, err := Diagnose(t.Context(), s.cluster, key, Options{})
	if err != nil || len(causes) != 1 {
		t.Fatalf("causes %+v, error %v", causes, err)
	}
	if diff := cmp.Diff(v.Causes[0].Root(), causes[0].Root()); diff != "" {
		t.Errorf("why (-wait +why):\n%s", diff)
	}
}

// Who waits in the same namespace shares its watches; the last one closes them.
func TestClusterFeeds(t *testing.T) {
	s := newScene(t, "feeds", nil)
	fs := NewWaiter(s.cluster, Rules{}).feeds
	first, changed, leaveFirst := fs.subscribe(s.namespace)
	second, _, leaveSecond := fs.subscribe(s.namespace)
	if first != second {
		t.Error("the second subscriber got a feed of its own")
	}
	s.apply("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: web}]}")
	<-changed
	leaveFirst()
	leaveFirst() // once is enough
	if len(fs.open) != 1 {
		t.Error("the feed was closed while someone listens")
	}
	leaveSecond()
	if len(fs.open) != 0 {
		t.Error("the feed is left open")
	}
}
