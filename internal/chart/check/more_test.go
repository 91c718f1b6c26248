package check

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/chart/v2/util"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
	"github.com/fairlead-cd/fairlead/internal/model"
)

func TestLooksSecret(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		want        bool
	}{
		{"password", "hunter2hunter2", true},
		{"DB_PASSWORD", "changeme", true},
		{"apiKey", "abcdef", true},
		{"client_secret", "x y", true},
		{"anything", "-----BEGIN RSA PRIVATE KEY-----\nabc", true},
		{"anything", "AKIAABCDEFGHIJKLMNOP", true},
		{"DATABASE_URL", "postgres://web:hunter2@db/web", true},
		{"password", "", false},
		{"password", "$(OTHER)", false},
		{"password", "${PASSWORD}", false},
		{"password", "{{ .Values.x }}", false},
		{"password", "<your password>", false},
		{"DATABASE_URL", "postgres://web:$(PASSWORD)@db/web", false},
		{"DATABASE_URL", "postgres://db/web", false},
		{"existingSecret", "web-db", false},
		{"secretName", "web-tls", false},
		{"configFromSecret", "web", false},
		{"imagePullSecrets", "registry", false},
		{"PASSWORD_FILE", "/run/secrets/x", false},
		{"token", "/var/run/token", false},
		{"automountServiceAccountToken", "true", false},
		{"passwordLength", "32", false},
		{"publicKey", "abcdef", false},
		{"password", "_PASSWORD_", false},
		{"clientSecret", "XXXXXXXX", false},
		{"tlsSecret", "longhorn.local-tls", false},
		{"ALLOW_EMPTY_PASSWORD", "yes", false},
		{"token", "No", false},
	} {
		if _, got := looksSecret(tt.name, tt.value); got != tt.want {
			t.Errorf("%s: %s: got %v", tt.name, tt.value, got)
		}
	}
}

// Secrets are found in values, ConfigMaps and on command lines, and never quoted.
func TestPlaintextSecrets(t *testing.T) {
	dir := web(t, map[string]string{
		"values-prod.yaml":          "database:\n  password: hunter2hunter2\n",
		"ci/test-values.yaml":       "database:\n  password: hunter2hunter2\n",
		"templates/conf.yaml":       "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: conf\ndata:\n  app.ini: |\n    [db]\n    user = web\n    password = hunter2hunter2\n  token: hunter2hunter2\n",
		"templates/deployment.yaml": "edit:          ports: =>           args: [--port=80, --password=hunter2hunter2]\n          ports:",
	})
	r := check(t, Options{Path: dir})
	got := lines(r.Findings, Warning)
	want := []string{
		`error plaintext-secret templates/conf.yaml:6 line 3 of "app.ini" in the ConfigMap sets password in the open`,
		`error plaintext-secret templates/conf.yaml:10 the ConfigMap holds "token": by its name it holds a secret`,
		`error plaintext-secret templates/deployment.yaml:33 container "web" is given --password on its command line`,
		`error plaintext-secret values-prod.yaml:2 value database.password is set in the open: by its name it holds a secret`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(strings.Join(lines(r.Findings, Info), "\n"), "hunter2") {
		t.Error("a finding quotes a secret")
	}
}

// What a values file given by hand says may be secret, and a schema's messages quote values.
func TestValuesByHandStaySecret(t *testing.T) {
	dir := web(t, map[string]string{"values.schema.json": `edit:"ingress": {"type": "object"} => "ingress": {"type": "object", "properties": {"host": {"enum": ["a"]}}}`,
		"values.yaml": "edit:host: web.example.com => host: a"})
	r := check(t, Options{Path: dir, Values: []Values{{Name: "secret.yaml", Texts: [][]byte{[]byte("ingress:\n  host: b\n"), []byte("ingress:\n  host: hunter2hunter2\n")}}}})
	got := strings.Join(lines(r.Findings, Warning), "\n")
	if !strings.Contains(got, "ingress.host") || strings.Contains(got, "hunter2") {
		t.Errorf("got %s", got)
	}
}

func TestGolden(t *testing.T) {
	dir := web(t, map[string]string{"templates/secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n  annotations:\n    salt: {{ randAlphaNum 8 }}\nstringData:\n  token: hunter2hunter2\n"})
	golden := func(o Options) []string {
		t.Helper()
		o.Path, o.SkipToggle = dir, true
		return lines(check(t, o).Findings, Warning)
	}
	if got := golden(Options{}); got != nil {
		t.Errorf("without golden files: %v", got)
	}
	if r := check(t, Options{Path: dir, Update: true}); r.Golden != "written 3" {
		t.Errorf("wrote %q", r.Golden)
	}
	text, err := os.ReadFile(filepath.Join(dir, "tests/golden/values.golden.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for want, is := range map[string]bool{"hunter2": false, "[hidden]": true, changing: true, "# Source: templates/deployment.yaml\n": true} {
		if strings.Contains(string(text), want) != is {
			t.Errorf("%q in the golden file: %v", want, !is)
		}
	}
	if got := golden(Options{}); got != nil {
		t.Errorf("right after writing: %v", got)
	}

	values := filepath.Join(dir, "values-prod.yaml")
	if err := os.WriteFile(values, []byte("replicas: 5\ningress:\n  enabled: true\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "values-new.yaml"), []byte("replicas: 7\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "ci/database-values.yaml")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"warning golden tests/golden/ci-database-values.golden.yaml:0 no values file belongs to it",
		"error golden tests/golden/values-new.golden.yaml:0 there is no golden file for values-new.yaml [values-new.yaml]",
		`error golden tests/golden/values-prod.golden.yaml:50 it has "replicas: 3" where the chart now renders "replicas: 5" (templates/deployment.yaml) [values-prod.yaml]`,
	}
	if diff := cmp.Diff(want, golden(Options{})); diff != "" {
		t.Error(diff)
	}
	check(t, Options{Path: dir, Update: true})
	if got := golden(Options{}); got != nil {
		t.Errorf("after accepting: %v", got)
	}
}

// fakeServer answers as it was told.
type fakeServer struct {
	verdicts map[string]Verdict // by kind
	err      error
	asked    int
}

func (f *fakeServer) String() string { return "a server of the test" }

func (f *fakeServer) Try(_ context.Context, objects []model.Object) ([]Verdict, error) {
	var all []Verdict
	for _, o := range objects {
		f.asked++
		all = append(all, f.verdicts[o.Key.Kind])
	}
	return all, f.err
}

func TestServer(t *testing.T) {
	s := &fakeServer{verdicts: map[string]Verdict{
		"Service":                 {Faults: []Problem{{Field: "spec.ports[0].port", Message: "Invalid value: 80: no"}}},
		"HorizontalPodAutoscaler": {Skipped: "the server does not know the kind"},
	}}
	r := check(t, Options{Path: "testdata/web", Server: s})
	want := []string{"error server templates/service.yaml:12 spec.ports[0].port: Invalid value: 80: no"}
	if diff := cmp.Diff(want, lines(r.Findings, Warning)); diff != "" {
		t.Error(diff)
	}
	if r.Server != "a server of the test" || r.Tried != s.asked-1 || len(r.NotTried) != 1 {
		t.Errorf("told of %q, %d tried, %v", r.Server, r.Tried, r.NotTried)
	}
	// That a server could not be asked never looks as if it had nothing to say.
	s.err = errors.New("down")
	if _, err := Run(t.Context(), Options{Path: "testdata/web", Server: s, Open: inProcess, Now: time.Now}); !errors.Is(err, s.err) {
		t.Errorf("got %v", err)
	}
}

func TestBadInput(t *testing.T) {
	missing := func(o Options) error {
		o.Open, o.Now = inProcess, time.Now
		_, err := Run(t.Context(), o)
		return err
	}
	if err := missing(Options{Path: "testdata/nothing"}); model.KindOf(err) != model.ErrNotFound {
		t.Errorf("no chart: %v", err)
	}
	if err := missing(Options{Path: t.TempDir()}); model.KindOf(err) != model.ErrNotFound {
		t.Errorf("an empty folder: %v", err)
	}
	if err := missing(Options{Path: "testdata/web", CRDs: []string{"testdata/nothing"}}); model.KindOf(err) != model.ErrInvalid {
		t.Errorf("no definitions: %v", err)
	}
	r := check(t, Options{Path: web(t, map[string]string{"Chart.yaml": "edit:condition: cache.enabled => condition: cache.enabled\n  - name: other\n    version: 1.0.0\n    repository: https://charts.example.com"})})
	want := []string{`error render Chart.yaml:0 dependency "other" 1.0.0 from https://charts.example.com: it is not in charts/`}
	if diff := cmp.Diff(want, lines(r.Findings, Warning)); diff != "" {
		t.Errorf("a missing dependency: %s", diff)
	}
	if _, err := Run(canceled(), Options{Path: "testdata/web", Open: inProcess, Now: time.Now}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestDefinitionsFromFolder(t *testing.T) {
	crds := t.TempDir()
	if err := os.WriteFile(filepath.Join(crds, "thing.yaml"), []byte(thing), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := web(t, map[string]string{"templates/x.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata:\n  name: x\nspec:\n  size: big\n"})
	if r := check(t, Options{Path: dir}); len(r.Skipped) != 1 || r.Skipped[0] != "example.com/v1 Thing" {
		t.Errorf("without definitions: %v", r.Skipped)
	}
	r := check(t, Options{Path: dir, CRDs: []string{crds}})
	want := []string{"error kube-schema templates/x.yaml:6 spec.size: is a string, want a whole number"}
	if diff := cmp.Diff(want, lines(r.Findings, Warning)); diff != "" || len(r.Skipped) != 0 {
		t.Errorf("%v %s", r.Skipped, diff)
	}
}

func TestMostCases(t *testing.T) {
	r := check(t, Options{Path: "testdata/web", Cases: 3})
	if len(r.Left) == 0 || r.Toggles+len(r.Left) != 8 {
		t.Errorf("flipped %d, left %v", r.Toggles, r.Left)
	}
}

func TestParsePath(t *testing.T) {
	for _, path := range []string{"spec", "spec.ports[0].name", "metadata.labels[\"app.kubernetes.io/name\"]", "[1]"} {
		if got := parsePath(path).String(); got != path {
			t.Errorf("%s became %s", path, got)
		}
	}
	if got := parsePath("metadata.labels[a.b/c]").String(); got != `metadata.labels["a.b/c"]` {
		t.Errorf("got %s", got)
	}
}

// The lines that findings name are those of the template, also where it is no YAML.
func TestFind(t *testing.T) {
	s := &subject{texts: map[string][]string{"templates/x.yaml": strings.Split(`{{- range .Values.services }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $.Release.Name }}-{{ .name }}
spec:
  ports:
    {{- range .ports }}
    - port: {{ . }}
    {{- end }}
{{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-headless
  labels: {{- include "labels" . | nindent 4 }}
spec:
  # ports: not these
  clusterIP: None
  ports:
  - name: http
    port: {{ .Values.port }}
  - name: {{ .Values.second }}
    port: 81
`, "\n")}}
	object := func(name string, ports ...any) *Object {
		return &Object{Object: model.Object{Key: model.ObjectKey{Kind: "Service", Name: name}}, Body: map[string]any{"spec": map[string]any{"ports": ports}}}
	}
	for name, tt := range map[string]struct {
		object *Object
		path   string
		want   place
	}{
		"in a loop":              {object("x-web"), "spec.ports[3].port", place{line: 10}},
		"of two with one kind":   {object("x-headless"), "spec.ports[0].port", place{line: 24, value: "port"}},
		"an element by number":   {object("x-headless"), "spec.ports[1].port", place{line: 26}},
		"an element by name":     {object("x-headless", map[string]any{"name": "other"}, map[string]any{"name": "http"}), "spec.ports[1].port", place{line: 24, value: "port"}},
		"what an include writes": {object("x-headless"), "metadata.labels.app", place{line: 18, near: true}},
		"what is missing":        {object("x-headless"), "spec.selector.app", place{line: 19, near: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := s.find("templates/x.yaml", tt.object, parsePath(tt.path)); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if got := s.find("templates/y.yaml", object("x"), kubeschema.Path{}); got != (place{}) {
		t.Errorf("a template that is not there: %+v", got)
	}
}

// What templates guard by an API that Kubernetes does not have is rendered as if it were there.
func TestGuardedByAPI(t *testing.T) {
	dir := web(t, map[string]string{"templates/monitor.yaml": `{{- if .Capabilities.APIVersions.Has "monitoring.coreos.com/v1/ServiceMonitor" }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: web
spec:
  selector:
    matchLabels:
      {{- include "web.labels" . | nindent 6 }}
  endpoints:
    - port: metrics
{{- end }}
`})
	want := []string{`error port-missing templates/monitor.yaml:11 no Service it selects has a port named "metrics" [values.yaml, with monitoring.coreos.com/v1, monitoring.coreos.com/v1/ServiceMonitor]`}
	if diff := cmp.Diff(want, lines(check(t, Options{Path: dir}).Findings, Warning)); diff != "" {
		t.Error(diff)
	}
}

// A chart whose templates do not end is not rendered a hundred times over.
func TestEndless(t *testing.T) {
	tries := atomic.Int64{}
	endless := func(string) (Render, func()) {
		return func(context.Context, model.Release, model.Artifact, model.Capabilities) (model.Rendered, error) {
			tries.Add(1)
			return model.Rendered{}, &model.Error{Kind: model.ErrInvalid, Reason: "RenderTimeout", Msg: "rendering did not end"}
		}, func() {}
	}
	r, err := Run(t.Context(), Options{Path: "testdata/web", Open: endless, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if tries.Load() > 4 || r.Count(Error) == 0 {
		t.Errorf("%d renders, %d errors", tries.Load(), r.Count(Error))
	}
}

func TestArchive(t *testing.T) {
	c, err := loader.Load("testdata/web")
	if err != nil {
		t.Fatal(err)
	}
	file, err := util.Save(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := check(t, Options{Path: file})
	if got := lines(r.Findings, Warning); got != nil || r.Chart != "web" || r.ValuesFiles != 3 || r.Toggles != 8 {
		t.Errorf("%s: %d values files, %d toggles, findings %v", r.Chart, r.ValuesFiles, r.Toggles, got)
	}
}

// A chart beside this one that it depends on is part of it: its values are flipped, its templates
// have lines.
func TestChartBeside(t *testing.T) {
	dir := web(t, map[string]string{
		"Chart.yaml":                  "edit:condition: cache.enabled => condition: cache.enabled\n  - name: side\n    version: 0.1.0\n    repository: file://../side",
		"values.schema.json":          "",
		"../side/Chart.yaml":          "apiVersion: v2\nname: side\nversion: 0.1.0\n",
		"../side/values.yaml":         "extra: false\n",
		"../side/templates/conf.yaml": "{{- if .Values.extra }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: side\ndata:\n  port: 80\n{{- end }}\n",
	})
	want := []string{"error kube-schema charts/side/templates/conf.yaml:7 data.port: is the number 80, want a string [side.extra=true]"}
	if diff := cmp.Diff(want, lines(check(t, Options{Path: dir}).Findings, Warning)); diff != "" {
		t.Error(diff)
	}
}
