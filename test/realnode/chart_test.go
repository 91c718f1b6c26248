//go:build linux

package realnode

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestChart deploys the reference chart with each of its values files, into namespaces that admit
// restricted pods only: development with a PostgreSQL and a Redis of its own, staging and production
// with those as external ones.
func TestChart(t *testing.T) {
	requireNode(t)
	in := up(t, newDir(t), "--with-databases")
	definition, err := os.ReadFile("../../charts/testdata/crds/servicemonitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	in.create(t, schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}, definition)

	dev := newReference(t, in, "chart-dev", "values-dev.yaml")
	external := [...]string{
		"--set", "database.host=flask-app-postgresql.chart-dev.svc,database.sslMode=disable",
		"--set", "externalRedis.host=flask-app-redis.chart-dev.svc,externalRedis.tls=false",
	}
	// As OpenShift's restricted-v2 runs it: under a user of the cluster's choice, of whom the image
	// knows nothing. And as the chart leaves that choice open.
	staging := newReference(t, in, "chart-staging", "values-staging.yaml", append(external[:], "--set",
		"podSecurityContext.runAsUser=1000680000,podSecurityContext.runAsGroup=0,podSecurityContext.fsGroup=1000680000")...)
	prod := newReference(t, in, "chart-prod", "values-prod.yaml", append(external[:], "--set", "global.openshift=true")...)

	part := func(name string, f func(t *testing.T)) {
		if !t.Failed() {
			t.Run(name, f)
		}
	}
	part("development brings its databases along", func(t *testing.T) { development(t, dev) })
	// Once its databases are there, the environments have nothing to do with one another.
	part("change", func(t *testing.T) {
		for _, tt := range []struct {
			name  string
			story func(*testing.T, *reference)
			of    *reference
		}{{"development", changed, dev}, {"staging", stage, staging}, {"production", production, prod}} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				tt.story(t, tt.of)
			})
		}
	})
	part("a database that is away is told, and restarts nothing", func(t *testing.T) {
		address := prod.podURL(t)
		dev.stop(t, "flask-app-postgresql")
		got := askUntil(t, address+"/ready", "", http.StatusServiceUnavailable)
		if !strings.Contains(got, "postgresql") || strings.Contains(got, "dev-only") {
			t.Errorf("/ready says %s", got)
		}
		askUntil(t, address+"/health", "", http.StatusOK)
		if got := askUntil(t, address+"/", "", http.StatusOK); !strings.HasPrefix(got, "Hello from production") {
			t.Errorf("it says %q", got)
		}
		prod.expectNoRestart(t)
	})
}

// development: the databases come along.
func development(t *testing.T, dev *reference) {
	dev.deploy(t, 0)
	dev.expectReady(t)
	if got := dev.ask(t, "/", "", http.StatusOK); !strings.HasPrefix(got, "Hello from dev (version 1.0.0), visit ") {
		t.Errorf("it says %q", got)
	}
	dev.ask(t, "/notes", `{"text":"buy milk"}`, http.StatusCreated)
	if got := dev.ask(t, "/notes", "", http.StatusOK); !strings.Contains(got, "buy milk") {
		t.Errorf("the notes are %s", got)
	}
	if got := dev.ask(t, "/metrics", "", http.StatusOK); !strings.Contains(got, `flask_app_dependency_up{dependency="postgresql"} 1`) {
		t.Errorf("the metrics are %s", got)
	}
	dev.expectCalm(t, 1)
}

// changed: another configuration makes new pods once, and a broken image is taken back and explained.
func changed(t *testing.T, dev *reference) {
	const message = "message=Good morning"
	dev.expectRollouts(t, 1)
	dev.deploy(t, 0, "--set", message)
	dev.expectRollouts(t, 2)
	dev.deploy(t, 0, "--set", message)
	dev.expectRollouts(t, 2)
	const says = "Good morning (version 1.0.0), visit "
	if got := dev.ask(t, "/", "", http.StatusOK); !strings.HasPrefix(got, says) {
		t.Errorf("it says %q", got)
	}
	if got := dev.ask(t, "/notes", "", http.StatusOK); !strings.Contains(got, "buy milk") {
		t.Errorf("the database was restarted: its notes are %s", got)
	}
	out := dev.deploy(t, 3, "--set", "message=Good night", "--set", "image.tag=9.9.9")
	wantSaid(t, out, "ImagePull", "image "+dev.in.Registry+"/flask-app:9.9.9: not found", "rolled back to revision 2")
	if got := dev.ask(t, "/", "", http.StatusOK); !strings.HasPrefix(got, says) {
		t.Errorf("it says %q", got)
	}
	dev.expectCalm(t, 1)
}

// stage: an update fails no request, and what fails before anything is touched changes nothing.
func stage(t *testing.T, staging *reference) {
	staging.secrets(t)
	staging.deploy(t, 0)
	staging.expectReady(t)
	staging.expectCalm(t, 2) // which is the autoscaler's word
	staging.expectObjects(t)

	load := startLoad(staging.url(t))
	staging.deploy(t, 0, "--set", "message=Good evening")
	load.awaitMessage(t, "Good evening")
	staging.expectRollouts(t, 2)
	staging.expectCalm(t, 2)

	// The migration is the first to need the image: before anything else is touched.
	out := staging.deploy(t, 3, "--set", "image.tag=9.9.9")
	wantSaid(t, out, "ImagePull", "image "+staging.in.Registry+"/flask-app:9.9.9: not found", "nothing was changed: revision 2 still runs")
	staging.expectRollouts(t, 2)
	load.expectNoFailure(t)
}

func wantSaid(t *testing.T, out string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("it does not say %q:\n%s", w, out)
		}
	}
}

// production: the pods read a model from a volume.
func production(t *testing.T, prod *reference) {
	folder := filepath.Join(prod.in.dir, "models")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "model.json"), []byte(`{"name":"price","bias":1.5,"weights":{"rooms":2}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	prod.in.create(t, schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}, fmt.Appendf(nil, `
apiVersion: v1
kind: PersistentVolume
metadata: {name: models}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadOnlyMany]
  storageClassName: models
  hostPath: {path: %q}
`, folder))
	prod.secrets(t)
	prod.deploy(t, 0, "--set", "model.enabled=true,persistence.enabled=true,persistence.storageClass=models",
		"--set", "persistence.accessModes={ReadOnlyMany}")
	prod.expectReady(t)
	prod.expectCalm(t, 3)
	prod.expectObjects(t)
	if got := prod.ask(t, "/predict", `{"features":{"rooms":3}}`, http.StatusOK); !strings.Contains(got, "7.5") {
		t.Errorf("the model says %s", got)
	}
}

// secrets makes those that values-staging.yaml and values-prod.yaml name.
func (r *reference) secrets(t *testing.T) {
	t.Helper()
	r.secret(t, "flask-app-secrets", "secret-key", "a key for tests")
	r.secret(t, "flask-app-database", "password", "dev-only")
	r.secret(t, "flask-app-redis", "password", "dev-only")
}

// expectObjects wants what guards a release that is not for development.
func (r *reference) expectObjects(t *testing.T) {
	t.Helper()
	var errs []error
	_, err := r.client.AutoscalingV2().HorizontalPodAutoscalers(r.namespace).Get(t.Context(), release, metav1.GetOptions{})
	errs = append(errs, err)
	ingress, err := r.client.NetworkingV1().Ingresses(r.namespace).Get(t.Context(), release, metav1.GetOptions{})
	errs = append(errs, err)
	_, err = r.client.NetworkingV1().NetworkPolicies(r.namespace).Get(t.Context(), release, metav1.GetOptions{})
	errs = append(errs, err)
	_, err = r.client.PolicyV1().PodDisruptionBudgets(r.namespace).Get(t.Context(), release, metav1.GetOptions{})
	errs = append(errs, err)
	errs = append(errs, r.client.CoreV1().RESTClient().Get().AbsPath("/apis/monitoring.coreos.com/v1/namespaces", r.namespace, "servicemonitors", release).
		Do(t.Context()).Error())
	for _, err := range errs {
		if err != nil {
			t.Errorf("%s: %v", r.namespace, err)
		}
	}
	if len(ingress.Spec.TLS) == 0 {
		t.Errorf("%s: the Ingress has no TLS", r.namespace)
	}
}
