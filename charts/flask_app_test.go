package charts

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestFlaskAppLint(t *testing.T) {
	for _, f := range append([]flask{{}, {set: everything}}, files()...) {
		t.Run(f.file+"."+f.set, func(t *testing.T) {
			for _, m := range lint.RunAll("flask-app", f.values(t), "shop").Messages {
				if m.Severity >= support.WarningSev {
					t.Error(m)
				}
			}
		})
	}
}

func files() []flask {
	var out []flask
	for _, file := range environments {
		out = append(out, flask{file: file})
	}
	return out
}

// TestFlaskAppObjects: what each environment consists of.
func TestFlaskAppObjects(t *testing.T) {
	base := []string{"ConfigMap/web-flask-app-config", "Deployment/web-flask-app", "Pod/web-flask-app-test",
		"Service/web-flask-app", "ServiceAccount/web-flask-app"}
	guarded := append([]string{"HorizontalPodAutoscaler/web-flask-app", "Ingress/web-flask-app", "Job/web-flask-app-migrate",
		"NetworkPolicy/web-flask-app", "NetworkPolicy/web-flask-app-migrate", "PodDisruptionBudget/web-flask-app",
		"ServiceMonitor/web-flask-app"}, base...)
	for name, tc := range map[string]struct {
		flask
		want []string
	}{
		"defaults": {flask{}, base},
		"dev": {flask{file: "values-dev.yaml"}, append([]string{"Job/web-flask-app-migrate",
			"ConfigMap/web-redis", "Secret/web-postgresql", "Secret/web-redis", "Service/web-postgresql", "Service/web-redis",
			"StatefulSet/web-postgresql", "StatefulSet/web-redis"}, base...)},
		"staging": {flask{file: "values-staging.yaml"}, guarded},
		"prod":    {flask{file: "values-prod.yaml"}, guarded},
		"a volume, a Route and secrets in the values": {
			flask{set: "{persistence: {enabled: true}, route: {enabled: true}, database: {host: db, password: p}}"},
			append([]string{"Job/web-flask-app-migrate", "PersistentVolumeClaim/web-flask-app-data", "Route/web-flask-app",
				"Secret/web-flask-app-migrate", "Secret/web-flask-app-secrets"}, base...)},
		"an existing volume and no migration": {
			flask{set: "{persistence: {enabled: true, existingClaim: models}, database: {host: db}, migrations: {enabled: false}}"}, base},
	} {
		t.Run(name, func(t *testing.T) {
			slices.Sort(tc.want)
			if diff := cmp.Diff(tc.want, kindsOf(tc.must(t))); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFlaskAppSameEachTime: what is rendered depends on nothing but the values, so that an upgrade
// without a change changes nothing.
func TestFlaskAppSameEachTime(t *testing.T) {
	for _, f := range append(files(), flask{set: everything}) {
		if diff := cmp.Diff(f.must(t), f.must(t)); diff != "" {
			t.Errorf("%s: the second render differs:\n%s", f.file, diff)
		}
	}
}

// TestFlaskAppConfigChange: another configuration changes the pods by one annotation, and other
// values do not touch it.
func TestFlaskAppConfigChange(t *testing.T) {
	deployment := func(set string) *appsv1.Deployment {
		return find[appsv1.Deployment](t, flask{set: set}.must(t), "Deployment", "web-flask-app")
	}
	before, after := deployment(""), deployment("message: Good morning")
	const sum = "checksum/config"
	if before.Spec.Template.Annotations[sum] == after.Spec.Template.Annotations[sum] {
		t.Error("a changed configuration makes no new pods")
	}
	after.Spec.Template.Annotations[sum] = before.Spec.Template.Annotations[sum]
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("it changes more than that:\n%s", diff)
	}
	scaled := deployment("{replicaCount: 5, service: {port: 80}, commonLabels: {team: shop}}")
	if diff := cmp.Diff(before.Spec.Template, scaled.Spec.Template); diff != "" {
		t.Errorf("scaling makes new pods:\n%s", diff)
	}
}

// TestFlaskAppPodSecurity: every pod meets the restricted Pod Security Standard and has a read-only
// root and resources; on OpenShift no user or group is chosen, as restricted-v2 wants it.
func TestFlaskAppPodSecurity(t *testing.T) {
	for _, f := range append(files(), flask{set: everything},
		flask{file: "values-dev.yaml", apis: []string{"security.openshift.io/v1"}}, flask{set: everything + "global: {openshift: true}"}) {
		openshift := f.apis != nil || strings.Contains(f.set, "openshift")
		pods := 0
		for _, o := range f.must(t) {
			spec, found := podSpec(t, o)
			if !found {
				continue
			}
			pods++
			where := fmt.Sprintf("%s %s %s/%s", f.file, f.apis, o.GetKind(), o.GetName())
			checkPod(t, where, spec, openshift)
		}
		if pods < 2 {
			t.Errorf("%s: %d pods were looked at", f.file, pods)
		}
	}
}

func podSpec(t *testing.T, o unstructured.Unstructured) (*corev1.PodSpec, bool) {
	t.Helper()
	at := []string{"spec", "template", "spec"}
	if o.GetKind() == "Pod" {
		at = []string{"spec"}
	}
	raw, found, err := unstructured.NestedMap(o.Object, at...)
	if err != nil || !found {
		return nil, false
	}
	var spec corev1.PodSpec
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(raw, &spec, true); err != nil {
		t.Fatalf("%s: %v", o.GetName(), err)
	}
	return &spec, true
}

func checkPod(t *testing.T, where string, spec *corev1.PodSpec, openshift bool) {
	t.Helper()
	p := spec.SecurityContext
	if p == nil || p.RunAsNonRoot == nil || !*p.RunAsNonRoot || p.SeccompProfile == nil || p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Fatalf("%s: pod security context %+v", where, p)
	}
	if fixed := p.RunAsUser != nil || p.RunAsGroup != nil || p.FSGroup != nil; fixed == openshift {
		t.Errorf("%s: users and groups are fixed: %t", where, fixed)
	}
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		t.Errorf("%s: it gets a token", where)
	}
	for _, c := range spec.Containers {
		s := c.SecurityContext
		if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil ||
			!*s.ReadOnlyRootFilesystem || s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
			t.Errorf("%s: container security context %+v", where, s)
		}
		if c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s: resources %+v", where, c.Resources)
		}
		if strings.HasSuffix(c.Image, ":latest") || !strings.Contains(c.Image, ":") {
			t.Errorf("%s: image %q", where, c.Image)
		}
		for _, e := range c.Env {
			if strings.Contains(e.Value, "dev-only") || strings.Contains(e.Value, "not-a-secret") {
				t.Errorf("%s: %s shows a secret", where, e.Name)
			}
		}
	}
}

// TestFlaskAppNames: the longest release name there is makes no name that Kubernetes refuses, and
// selectors match no pods but their own.
func TestFlaskAppNames(t *testing.T) {
	for _, f := range append(files(), flask{set: everything}, flask{set: "nameOverride: " + strings.Repeat("n", 70)}) {
		f.name = strings.Repeat("r", 53)
		kinds := kindsOf(f.must(t))
		if len(slices.Compact(slices.Clone(kinds))) < len(kinds) {
			t.Errorf("two objects have the same name: %v", kinds)
		}
		for _, o := range f.must(t) {
			most := 63
			if o.GetKind() == "StatefulSet" {
				most = 52 // its pods carry its name and a revision in a label
			}
			if len(o.GetName()) > most {
				t.Errorf("%s %s has %d characters", o.GetKind(), o.GetName(), len(o.GetName()))
			}
			labels := o.GetLabels()
			if template, found, _ := unstructured.NestedStringMap(o.Object, "spec", "template", "metadata", "labels"); found {
				maps.Copy(labels, template)
			}
			for key, value := range labels {
				if len(value) > 63 {
					t.Errorf("%s %s: label %s has %d characters", o.GetKind(), o.GetName(), key, len(value))
				}
			}
		}
	}
	for _, o := range (flask{file: "values-dev.yaml"}).must(t) {
		if name := o.GetLabels()["app.kubernetes.io/name"]; o.GetKind() == "Job" || o.GetKind() == "Pod" {
			if name == "flask-app" {
				t.Errorf("the Service selects %s %s", o.GetKind(), o.GetName())
			}
		}
	}
}

// TestFlaskAppOldKubernetes: nothing newer than the oldest version the chart takes is rendered for it.
func TestFlaskAppOldKubernetes(t *testing.T) {
	d := find[appsv1.Deployment](t, flask{version: "v1.25.0"}.must(t), "Deployment", "web-flask-app")
	pod := d.Spec.Template.Spec
	if hook := pod.Containers[0].Lifecycle.PreStop; hook.Sleep != nil || hook.Exec == nil {
		t.Errorf("preStop is %+v", hook)
	}
	for _, c := range pod.TopologySpreadConstraints {
		if c.MatchLabelKeys != nil {
			t.Errorf("spreads by %v", c.MatchLabelKeys)
		}
	}
}

// TestFlaskAppDependencies: where the application finds what it needs, and where its passwords are.
func TestFlaskAppDependencies(t *testing.T) {
	for name, tc := range map[string]struct {
		flask
		want map[string]string
	}{
		"nothing": {flask{}, nil},
		"subcharts": {flask{file: "values-dev.yaml"}, map[string]string{
			"DATABASE_URL": "postgresql://app@web-postgresql:5432/app?sslmode=disable", "DATABASE_PASSWORD": "web-postgresql/password",
			"REDIS_URL": "redis://web-redis:6379/0", "REDIS_PASSWORD": "web-redis/password"}},
		"one switch away from an external database": {
			flask{file: "values-dev.yaml", set: "{postgresql: {enabled: false}, database: {host: db.example.com, existingSecret: db}}"},
			map[string]string{
				"DATABASE_URL": "postgresql://app@db.example.com:5432/app?sslmode=require", "DATABASE_PASSWORD": "db/password",
				"REDIS_URL": "redis://web-redis:6379/0", "REDIS_PASSWORD": "web-redis/password"}},
		"production": {flask{file: "values-prod.yaml"}, map[string]string{
			"DATABASE_URL": "postgresql://app@postgres.example.com:5432/app?sslmode=require", "DATABASE_PASSWORD": "flask-app-database/password",
			"REDIS_URL": "rediss://redis.example.com:6379/0", "REDIS_PASSWORD": "flask-app-redis/password",
			"SECRET_KEY": "flask-app-secrets/secret-key"}},
		"passwords in the values": {
			flask{set: `{database: {host: db, password: a, user: "a@b"}, externalRedis: {host: r, password: b, database: 3}, flask: {secretKey: c}}`},
			map[string]string{
				"DATABASE_URL": "postgresql://a%40b@db:5432/app?sslmode=require", "DATABASE_PASSWORD": "web-flask-app-secrets/database-password",
				"REDIS_URL": "redis://r:6379/3", "REDIS_PASSWORD": "web-flask-app-secrets/redis-password",
				"SECRET_KEY": "web-flask-app-secrets/secret-key"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := find[appsv1.Deployment](t, tc.must(t), "Deployment", "web-flask-app")
			var got map[string]string
			for _, e := range d.Spec.Template.Spec.Containers[0].Env {
				if !regexp.MustCompile("^(DATABASE|REDIS|SECRET)_").MatchString(e.Name) {
					continue
				}
				if got == nil {
					got = map[string]string{}
				}
				got[e.Name] = e.Value
				if e.ValueFrom != nil {
					got[e.Name] = e.ValueFrom.SecretKeyRef.Name + "/" + e.ValueFrom.SecretKeyRef.Key
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFlaskAppNumericTag: a short commit ID may have no letter in it, and is a number to --set.
func TestFlaskAppNumericTag(t *testing.T) {
	for _, set := range []string{"image: {tag: 12345678}", `image: {tag: "12345678"}`} {
		objects := flask{set: set}.must(t)
		d := find[appsv1.Deployment](t, objects, "Deployment", "web-flask-app")
		if got := d.Spec.Template.Spec.Containers[0].Image; got != "registry.example.com/flask-app:12345678" {
			t.Errorf("%s: the image is %s", set, got)
		}
		c := find[corev1.ConfigMap](t, objects, "ConfigMap", "web-flask-app-config")
		if !strings.Contains(c.Data["config.py"], `VERSION = "12345678"`) {
			t.Errorf("%s: the configuration is %s", set, c.Data["config.py"])
		}
	}
	for _, of := range []string{"postgresql", "redis"} {
		objects := flask{file: "values-dev.yaml", set: of + ": {image: {tag: 15}}"}.must(t)
		s := find[appsv1.StatefulSet](t, objects, "StatefulSet", "web-"+of)
		if got := s.Spec.Template.Spec.Containers[0].Image; !strings.HasSuffix(got, ":15") {
			t.Errorf("the image of %s is %s", of, got)
		}
	}
}

// TestFlaskAppMigration: an external database is migrated before anything changes, one of the
// release itself after it is there.
func TestFlaskAppMigration(t *testing.T) {
	for file, want := range map[string]string{"values-dev.yaml": "post-install,post-upgrade", "values-prod.yaml": "pre-install,pre-upgrade"} {
		job := find[unstructured.Unstructured](t, flask{file: file}.must(t), "Job", "web-flask-app-migrate")
		if got := job.GetAnnotations()["helm.sh/hook"]; got != want {
			t.Errorf("%s: the migration's hook is %q, want %q", file, got, want)
		}
	}
}
