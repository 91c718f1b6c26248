package check

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
)

// inProcess renders charts of tests, which are trusted, without workers.
func inProcess(string) (Render, func()) {
	r := render.New(render.Options{})
	return func(ctx context.Context, rel model.Release, a model.Artifact, caps model.Capabilities) (model.Rendered, error) {
		return r.Render(ctx, rel, a, caps, render.RenderOptions{})
	}, func() {}
}

// web copies the chart in testdata, with files replaced, added or, where the text is empty, removed.
// "old -> new" as a name's value after "edit:" replaces text in the file.
func web(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "web")
	if err := os.CopyFS(dir, os.DirFS("testdata/web")); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if text == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if edit, ok := strings.CutPrefix(text, "edit:"); ok {
			was, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			old, with, _ := strings.Cut(edit, " => ")
			if !strings.Contains(string(was), old) {
				t.Fatalf("%s has no %q", name, old)
			}
			text = strings.Replace(string(was), old, with, 1)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func check(t *testing.T, o Options) *Report {
	t.Helper()
	o.Open = inProcess
	if o.Now == nil {
		o.Now = time.Now
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines are findings as "severity rule file:line message [first case]".
func lines(fs []Finding, least Severity) []string {
	var all []string
	for _, f := range fs {
		if !f.Severity.AtLeast(least) {
			continue
		}
		near := ""
		if f.Near {
			near = "~"
		}
		s := fmt.Sprintf("%s %s %s:%s%d %s", f.Severity, f.Rule, f.File, near, f.Line, f.Message)
		if len(f.Cases) > 0 && f.Cases[0] != "values.yaml" {
			s += " [" + f.Cases[0] + "]"
		}
		all = append(all, s)
	}
	return all
}

func TestCleanChart(t *testing.T) {
	r := check(t, Options{Path: "testdata/web"})
	want := []string{
		"info refused templates/deployment.yaml:1 flipped values are refused: database.enabled needs database.existingSecret [database.enabled=true]",
		"info no-effect values.yaml:20 flipping unused on its own changes nothing",
	}
	if diff := cmp.Diff(want, lines(r.Findings, Info)); diff != "" {
		t.Error(diff)
	}
	var names []string
	for _, c := range r.Cases {
		names = append(names, c.Name+" "+c.Status)
	}
	wantCases := []string{
		"values.yaml rendered", "ci/database-values.yaml rendered", "values-prod.yaml rendered",
		"autoscaling.enabled=true rendered", "cache.enabled=true rendered", "database.enabled=true refused",
		"ingress.enabled=true rendered", "ingress.tls=true rendered", "ingress.tls=true, ingress.enabled=true rendered",
		"securityContext.readOnlyRootFilesystem=false rendered", "unused=true rendered",
		"cache.persistence.enabled=true rendered", "cache.persistence.enabled=true, cache.enabled=true rendered",
		"every toggle flipped refused", "every toggle on refused", "values.yaml, a release name of 53 characters rendered",
		// What says nothing there is tried on top of the next values file, and on the one after.
		"ci/database-values.yaml, database.enabled=true rendered", "ci/database-values.yaml, ingress.tls=true rendered",
		"ci/database-values.yaml, unused=true rendered", "ci/database-values.yaml, cache.persistence.enabled=true rendered",
		"ci/database-values.yaml, every toggle flipped rendered", "ci/database-values.yaml, every toggle on rendered",
		"ci/database-values.yaml, a release name of 53 characters rendered",
		"values-prod.yaml, database.enabled=true refused", "values-prod.yaml, ingress.tls=true rendered",
		"values-prod.yaml, unused=true rendered", "values-prod.yaml, cache.persistence.enabled=true rendered",
		"values-prod.yaml, a release name of 53 characters rendered",
	}
	if diff := cmp.Diff(wantCases, names); diff != "" {
		t.Error(diff)
	}
	if r.ValuesFiles != 3 || r.Toggles != 8 || r.Renders != len(wantCases) {
		t.Errorf("counted %d files, %d toggles, %d renders", r.ValuesFiles, r.Toggles, r.Renders)
	}
}

const (
	deployment = "templates/deployment.yaml"
	service    = "templates/service.yaml"
	ingress    = "templates/ingress.yaml"
	hpa        = "templates/hpa.yaml"
)

func TestRules(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  []string // findings that are errors or warnings
	}{
		"no such field": {map[string]string{deployment: "edit:readinessProbe: => redinessProbe:"},
			[]string{`error kube-schema templates/deployment.yaml:36 spec.template.spec.containers[0].redinessProbe: there is no such field`}},
		"number in quotes, by a toggle": {map[string]string{hpa: "edit:{{ .Values.autoscaling.max }} => {{ .Values.autoscaling.max | quote }}"},
			[]string{"error kube-schema templates/hpa.yaml:12 spec.maxReplicas: is a string, want a whole number [autoscaling.enabled=true]"}},
		"removed API": {map[string]string{hpa: "edit:autoscaling/v2 => autoscaling/v2beta2"},
			[]string{"error removed-api templates/hpa.yaml:2 autoscaling/v2beta2 HorizontalPodAutoscaler was removed in Kubernetes 1.26 [autoscaling.enabled=true]"}},
		"deprecated API": {map[string]string{"templates/x.yaml": "apiVersion: v1\nkind: Endpoints\nmetadata:\n  name: x\n"},
			[]string{"warning deprecated-api templates/x.yaml:1 v1 Endpoints is deprecated since Kubernetes 1.33"}},
		"no such kind": {map[string]string{hpa: "edit:autoscaling/v2 => autoscaling/v3"},
			[]string{"error unknown-kind templates/hpa.yaml:2 there is no autoscaling/v3 HorizontalPodAutoscaler [autoscaling.enabled=true]"}},
		"off by default": {map[string]string{"templates/x.yaml": "apiVersion: scheduling.k8s.io/v1alpha2\nkind: PodGroup\nmetadata:\n  name: x\nspec:\n  schedulingPolicy:\n    basic: {}\n"},
			[]string{"warning api-not-served templates/x.yaml:1 scheduling.k8s.io/v1alpha2 is off in a cluster that was not told otherwise"}},
		"own definition": {map[string]string{"crds/thing.yaml": thing, "templates/x.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: x\nspec:\n  sise: 1\n"},
			[]string{"error kube-schema templates/x.yaml:6 spec.sise: there is no such field"}},
		"own definition of an alpha version": {map[string]string{
			"crds/thing.yaml": strings.Replace(thing, "name: v1\n", "name: v1alpha1\n", 1), "templates/x.yaml": "apiVersion: example.com/v1alpha1\nkind: Thing\nmetadata:\n  name: x\nspec:\n  size: 1\n"}, nil},
		"own definition, misspelt": {map[string]string{"crds/thing.yaml": thing, "templates/x.yaml": "apiVersion: example.com/v1\nkind: Thng\nmetadata:\n  name: x\n"},
			[]string{"error unknown-kind templates/x.yaml:1 there is no example.com/v1 Thng"}},
		"the rest of the group defined elsewhere": {map[string]string{"crds/thing.yaml": thing, "templates/x.yaml": "apiVersion: example.com/v1\nkind: Warehouse\nmetadata:\n  name: x\n"}, nil},
		"defined twice": {map[string]string{"crds/thing.yaml": thing, "crds/once-more.yaml": thing}, nil},
		"selector": {map[string]string{deployment: "edit:matchLabels:\n      {{- include \"web.labels\" . | nindent 6 }} => matchLabels:\n      app: web"},
			[]string{"error selector-mismatch templates/deployment.yaml:12 the selector app=web does not match the pods' own labels app.kubernetes.io/instance=release-name,app.kubernetes.io/name=web"}},
		"service without pods": {map[string]string{service: "edit:selector:\n    {{- include \"web.labels\" . | nindent 4 }} => selector:\n    app: wbe"},
			[]string{"warning service-without-pods templates/service.yaml:8 no pod of the chart has the labels app=wbe"}},
		"target port": {map[string]string{service: "edit:targetPort: http => targetPort: web"},
			[]string{`error port-missing templates/service.yaml:13 the pods have no port named "web": it has http`}},
		"probe's port": {map[string]string{deployment: "edit:port: http => port: metrics"},
			[]string{`error port-missing templates/deployment.yaml:39 container "web" has no port named "metrics": it has http`}},
		"ingress's port is an annotation's": {map[string]string{ingress: "edit:name: http => name: use-annotation"}, nil},
		"ingress's port": {map[string]string{ingress: "edit:name: http => name: https"},
			[]string{`error port-missing templates/ingress.yaml:22 Service/release-name-web has no port https: it has http [values-prod.yaml]`}},
		"autoscaler's target": {map[string]string{hpa: "edit:kind: Deployment\n    name: {{ include \"web.fullname\" . }} => kind: StatefulSet\n    name: {{ include \"web.fullname\" . }}"},
			[]string{"error target-missing templates/hpa.yaml:10 it scales StatefulSet/release-name-web, which the chart does not make [autoscaling.enabled=true]"}},
		"budget for nobody": {map[string]string{"templates/x.yaml": "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata:\n  name: x\nspec:\n  selector:\n    matchLabels:\n      app: x\n"},
			[]string{"warning target-missing templates/x.yaml:6 no pod of the chart has the labels app=x"}},
		"volume": {map[string]string{deployment: "edit:          resources: =>           volumeMounts:\n            - name: tmp\n              mountPath: /tmp\n          resources:"},
			[]string{`error volume-missing templates/deployment.yaml:49 container "web" mounts the volume "tmp", which the pod does not have`}},
		"key": {map[string]string{"templates/x.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: web-db\nstringData:\n  user: web\n"},
			[]string{`error key-missing templates/deployment.yaml:46 Secret/web-db has no key "password" for the variable DATABASE_PASSWORD [ci/database-values.yaml]`}},
		"duplicate": {map[string]string{"templates/x.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: release-name-web\n"},
			[]string{"error duplicate-object templates/x.yaml:4 written twice: here and in templates/service.yaml"}},
		"long name": {map[string]string{service: "edit:name: {{ include \"web.fullname\" . }} => name: {{ .Release.Name }}-web-service"},
			[]string{`warning target-missing templates/ingress.yaml:20 it leads to the Service "release-name-web", which the chart does not make [values-prod.yaml]`,
				"error name-length templates/service.yaml:4 the name has 65 characters, and a Service may have 63 [values.yaml, a release name of 53 characters]"}},
		"label too long": {map[string]string{service: "edit:labels: => labels:\n    app: {{ .Release.Name }}-of-the-web-chart"},
			[]string{`error label-invalid templates/service.yaml:6 the label app cannot be "a-name-for-a-release-that-is-as-long-as-helm-lets-be1-of-the-web-chart" (70 characters): must be no more than 63 bytes [values.yaml, a release name of 53 characters]`}},
		"name": {map[string]string{"templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: My_Config\n"},
			[]string{`error name-invalid templates/x.yaml:4 "My_Config" is no name: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`}},
		"template that fails": {map[string]string{ingress: "edit:.Values.ingress.host => .Values.ingress.names.first"},
			[]string{"error render templates/ingress.yaml:9 nil pointer evaluating interface {}.first [ingress.tls=true, ingress.enabled=true]"}},
		"values file that is refused": {map[string]string{"values-prod.yaml": "database:\n  enabled: true\n"},
			[]string{"error refused templates/deployment.yaml:1 values-prod.yaml is refused: database.enabled needs database.existingSecret [values-prod.yaml]"}},
		"schema": {map[string]string{"values-prod.yaml": "replicas: many\nimage:\n  repoistory: x\n"},
			[]string{
				"error schema values-prod.yaml:1 replicas: got string, want integer [values-prod.yaml]",
				"error schema values-prod.yaml:3 image: additional properties 'repoistory' not allowed (did you mean 'repository'?) [values-prod.yaml]",
			}},
		"broken schema": {map[string]string{"values.schema.json": "{\n  \"type\": \"object\",\n}\n"},
			[]string{"error render values.schema.json:0 not a usable JSON schema: invalid character '}' looking for beginning of object key string",
				"error schema values.schema.json:3 not valid JSON: invalid character '}' looking for beginning of object key string"}},
		"broken Chart.yaml": {map[string]string{"Chart.yaml": "apiVersion: v2\nname: web\nversion: [\n"},
			[]string{"error lint Chart.yaml:3 not valid YAML: did not find expected node content"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := check(t, Options{Path: web(t, tt.files)})
			if diff := cmp.Diff(tt.want, lines(r.Findings, Warning)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const thing = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                size: {type: integer}
`

func TestBaseline(t *testing.T) {
	for name, tt := range map[string]struct {
		old, with string // in the Deployment
		want      []string
	}{
		"root allowed": {"runAsNonRoot: true", "fsGroup: 1",
			[]string{`error run-as-non-root templates/deployment.yaml:~28 container "web" does not say runAsNonRoot: true`}},
		"root wanted": {"runAsNonRoot: true", "runAsNonRoot: true\n        runAsUser: 0",
			[]string{`error run-as-root templates/deployment.yaml:23 container "web" runs as user 0`}},
		"privileged": {"allowPrivilegeEscalation: false", "privileged: true",
			[]string{`error privileged templates/deployment.yaml:29 container "web" is privileged`}},
		"escalation": {"allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true",
			[]string{`error privilege-escalation templates/deployment.yaml:29 container "web" does not say allowPrivilegeEscalation: false`}},
		"writable root": {"readOnlyRootFilesystem: {{ .Values.securityContext.readOnlyRootFilesystem }}", "runAsGroup: 1",
			[]string{`error read-only-root templates/deployment.yaml:~28 container "web" does not say readOnlyRootFilesystem: true`}},
		"capabilities": {"drop: [ALL]", "drop: [NET_RAW]\n              add: [SYS_ADMIN]",
			[]string{`error capabilities templates/deployment.yaml:32 container "web" does not drop ALL capabilities`,
				`error capabilities templates/deployment.yaml:33 container "web" adds the capability SYS_ADMIN`}},
		"binding low ports is fine": {"drop: [ALL]", "drop: [ALL]\n              add: [NET_BIND_SERVICE]", nil},
		"seccomp": {"type: RuntimeDefault", "type: Unconfined",
			[]string{`error seccomp templates/deployment.yaml:~28 container "web" has no seccomp profile`}},
		"host's network": {"automountServiceAccountToken: false", "automountServiceAccountToken: false\n      hostNetwork: true",
			[]string{`error host-namespace templates/deployment.yaml:21 hostNetwork is true`}},
		"host's folder": {"containers:", "volumes:\n        - name: root\n          hostPath:\n            path: /\n      containers:",
			[]string{`error host-path templates/deployment.yaml:27 volume "root" is the node's /`}},
		"latest": {"{{ .Values.image.tag }}", "latest",
			[]string{`error image-tag templates/deployment.yaml:27 container "web" uses registry.example.com/web:latest, which is something else every week`}},
		"no tag": {":{{ .Values.image.tag }}", "",
			[]string{`error image-tag templates/deployment.yaml:27 container "web" uses registry.example.com/web, which has no tag: that means latest`}},
		"a port is no tag": {"\"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"", "registry.example.com:5000/web",
			[]string{`error image-tag templates/deployment.yaml:27 container "web" uses registry.example.com:5000/web, which has no tag: that means latest`}},
		"digest": {":{{ .Values.image.tag }}", "@sha256:0123456789012345678901234567890123456789012345678901234567890123", nil},
		"no limit": {"memory: 64Mi", "cpu: 1",
			[]string{`error resources templates/deployment.yaml:48 container "web" sets no limits.memory`}},
		"a limit is a request, too": {"requests:\n              cpu: 10m\n              memory: 32Mi\n            limits:", "limits:\n              cpu: 1", nil},
		"token": {"automountServiceAccountToken: false", "terminationGracePeriodSeconds: 5",
			[]string{`warning service-account-token templates/deployment.yaml:~19 its pods get a token for the Kubernetes API, and the chart gives them no rights there`}},
		"password": {"ports:", "env:\n            - name: DB_PASSWORD\n              value: hunter2hunter2\n            - name: DB_PASSWORD_FILE\n              value: /run/secret\n            - name: OTHER\n              value: $(DB_PASSWORD)\n          ports:",
			[]string{`error plaintext-secret templates/deployment.yaml:35 environment variable DB_PASSWORD of container "web": by its name it holds a secret`}},
		"windows": {"automountServiceAccountToken: false\n      securityContext:\n        runAsNonRoot: true\n        seccompProfile:\n          type: RuntimeDefault", "automountServiceAccountToken: false\n      os:\n        name: windows", nil},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{deployment: "edit:" + tt.old + " => " + tt.with}
			if name == "password" { // the database's own would be a second env
				files["ci/database-values.yaml"] = ""
			}
			r := check(t, Options{Path: web(t, files)})
			if diff := cmp.Diff(tt.want, lines(r.Findings, Warning)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A toggle that loosens a container that is safe by default is a choice; a container that only a
// toggle brings along has to be safe.
func TestBaselineOfToggles(t *testing.T) {
	dir := web(t, map[string]string{
		"values.yaml": "edit:unused: false => debug: false\nsidecar: false",
		deployment: "edit:      containers: =>       containers:\n        {{- if .Values.sidecar }}\n        - name: sidecar\n          image: example.com/sidecar:latest\n" +
			"          securityContext:\n            allowPrivilegeEscalation: false\n            readOnlyRootFilesystem: true\n            capabilities: {drop: [ALL]}\n" +
			"          resources: {limits: {cpu: 1, memory: 1Gi}}\n        {{- end }}",
		"values.schema.json": "",
	})
	text, err := os.ReadFile(filepath.Join(dir, "templates/deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), "drop: [ALL]\n          ports", "drop: [{{ if .Values.debug }}NET_RAW{{ else }}ALL{{ end }}]\n          ports", 1)
	if err := os.WriteFile(filepath.Join(dir, "templates/deployment.yaml"), []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`error image-tag templates/deployment.yaml:28 container "sidecar" uses example.com/sidecar:latest, which is something else every week [sidecar=true]`,
		`warning capabilities templates/deployment.yaml:41 container "web" does not drop ALL capabilities [debug=true]`,
	}
	if diff := cmp.Diff(want, lines(check(t, Options{Path: dir}).Findings, Warning)); diff != "" {
		t.Error(diff)
	}
}

func TestVersions(t *testing.T) {
	dir := web(t, map[string]string{"templates/x.yaml": `{{- if .Capabilities.APIVersions.Has "scheduling.k8s.io/v1alpha2" }}
apiVersion: scheduling.k8s.io/v1alpha2
kind: PodGroup
metadata:
  name: x
spec:
  schedulingPolicy:
    basic: {}
{{- end }}
`})
	r := check(t, Options{Path: dir, Kube: []string{"1.33", "1.36"}, APIs: []string{"scheduling.k8s.io/v1alpha2"}})
	want := []string{
		"warning api-not-served templates/x.yaml:2 scheduling.k8s.io/v1alpha2 is off in a cluster that was not told otherwise",
		"error unknown-kind templates/x.yaml:2 there is no scheduling.k8s.io/v1alpha2 PodGroup (Kubernetes 1.33.13)",
	}
	got := lines(r.Findings, Warning)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(r.Kubernetes, []string{"1.33.13", "1.36.3"}) {
		t.Errorf("checked %v", r.Kubernetes)
	}
}

func TestIgnore(t *testing.T) {
	broken := map[string]string{
		deployment: "edit:type: RuntimeDefault => type: Unconfined",
		ConfigFile: "ignore:\n- rule: seccomp\n  reason: the node has its own\n  object: Deployment/*\n- rule: host-path\n  reason: none\nskipToggles: [unused]\n",
	}
	r := check(t, Options{Path: web(t, broken), Ignore: []string{"refused"}})
	if diff := cmp.Diff([]string{"info unused-ignore .fairlead-chart.yaml:0 ignore[1] (host-path) applies to nothing"}, lines(r.Findings, Info)); diff != "" {
		t.Error(diff)
	}
	reasons := map[string]string{}
	for _, s := range r.Suppressed {
		reasons[s.Rule] = s.Reason
	}
	if diff := cmp.Diff(map[string]string{"seccomp": "the node has its own", "refused": "--ignore"}, reasons); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{
		"ignore: [{rule: seccomp}]":                       "ignored without a reason",
		"ignore: [{rule: sekkomp, reason: x}]":            `no rule "sekkomp"`,
		"ignore: [{rule: seccomp, why: x}]":               "unknown field",
		"ignore: [{rule: seccomp, reason: x, file: '['}]": "is no pattern",
	} {
		_, err := Run(t.Context(), Options{Path: web(t, map[string]string{ConfigFile: text}), Now: time.Now, Open: inProcess})
		if err == nil || !strings.Contains(err.Error(), want) || model.KindOf(err) != model.ErrInvalid {
			t.Errorf("%s: got %v", text, err)
		}
	}
}
