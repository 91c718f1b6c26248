package render

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// looksUp is a chart that keeps a password, looks into the Secret that a Secret names, and lists.
const looksUp = `{{- $old := lookup "v1" "Secret" .Release.Namespace "db" }}
{{- $next := "none" }}
{{- if $old }}{{ $next = (lookup "v1" "ConfigMap" .Release.Namespace (b64dec $old.data.next)).data.says }}{{ end }}
{{- if and .Release.IsUpgrade (not $old) }}{{ fail "give the password" }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata: {name: out}
data:
  password: {{ if $old }}{{ b64dec $old.data.password }}{{ else }}new{{ end }}
  next: {{ $next }}
  nodes: {{ len ((lookup "v1" "Node" "" "").items | default list) | quote }}
  none: {{ lookup "example.com/v1" "Thing" "" "x" | len | quote }}
{{- if .Values.quote }}{{ fail (printf "it is %s" (b64dec $old.data.password)) }}{{ end }}
`

func lookingChart(t *testing.T) model.Artifact {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "templates"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n", "templates/x.yaml": looksUp} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return model.Artifact{Dir: dir, Path: ".", Digest: "sha256:looks"}
}

var inCluster = map[helm.Lookup]string{
	{APIVersion: "v1", Kind: "Secret", Namespace: "dev", Name: "db"}:      `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"password":"aHVudGVyMmh1bnRlcjI=","next":"bGlzdA=="}}`,
	{APIVersion: "v1", Kind: "ConfigMap", Namespace: "dev", Name: "list"}: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"list"},"data":{"says":"hello"}}`,
	{APIVersion: "v1", Kind: "Node"}:                                      `{"apiVersion":"v1","kind":"NodeList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}`,
}

func TestLookups(t *testing.T) {
	a := lookingChart(t)
	var asked []string
	r := New(Options{})
	r.LookInto(func(_ context.Context, _ model.Release, q helm.Lookup, _ int64) ([]byte, error) {
		asked = append(asked, q.String())
		return []byte(inCluster[q]), nil
	})
	rel := model.Release{Name: "db", Namespace: "dev", Renderer: model.RenderHelm}
	got, err := r.Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{IsUpgrade: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"password":"hunter2hunter2"`, `"next":"hello"`, `"nodes":"2"`, `"none":"0"`} {
		if !strings.Contains(string(got.Objects[0].Body), want) {
			t.Errorf("no %s in %s", want, got.Objects[0].Body)
		}
	}
	want := []string{"v1 Secret db in namespace dev", "v1 ConfigMap list in namespace dev", "v1 Node", "example.com/v1 Thing x"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}

	// What was found is no secret that a message may quote.
	rel.Values = []model.ValuesLayer{{Origin: "x", YAML: []byte("quote: true")}}
	_, err = r.Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{})
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "it is [hidden]") {
		t.Errorf("got %v", err)
	}
}

// TestLookupsFail: what cannot be read is not taken for missing, and without a cluster nothing is found.
func TestLookupsFail(t *testing.T) {
	a, rel := lookingChart(t), model.Release{Name: "db", Namespace: "dev", Renderer: model.RenderHelm}
	refused := &model.Error{Kind: model.ErrDenied, Reason: "Forbidden", Msg: "secrets is forbidden"}
	r := New(Options{})
	r.LookInto(func(context.Context, model.Release, helm.Lookup, int64) ([]byte, error) { return nil, refused })
	_, err := r.Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{})
	if !errors.Is(err, refused) || !strings.Contains(err.Error(), "looking up v1 Secret db in namespace dev, which the chart asks for") {
		t.Errorf("got %v", err)
	}
	got, err := New(Options{}).Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{})
	if err != nil || !strings.Contains(string(got.Objects[0].Body), `"password":"new"`) {
		t.Errorf("without a cluster: %v", err)
	}
	// One that asks without end is told so.
	text := `{{- range $i := until 600 }}{{ $_ := lookup "v1" "Secret" "dev" (printf "s%d" $i) }}{{ end }}`
	if err := os.WriteFile(filepath.Join(a.Dir, "templates", "x.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	many := New(Options{})
	many.LookInto(func(context.Context, model.Release, helm.Lookup, int64) ([]byte, error) { return nil, nil })
	if _, err := many.Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{}); model.ReasonOf(err, "") != "TooManyLookups" {
		t.Errorf("got %v", err)
	}
}

// TestLookupsBytes: the answers are bounded together, and whoever reads one is told how much is left.
func TestLookupsBytes(t *testing.T) {
	a, rel := lookingChart(t), model.Release{Name: "db", Namespace: "dev", Renderer: model.RenderHelm}
	text := `{{- range $i := until 3 }}{{ $_ := lookup "v1" "Pod" (printf "n%d" $i) "" }}{{ end }}`
	if err := os.WriteFile(filepath.Join(a.Dir, "templates", "x.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	const size = maxFound/2 - 1
	var limits []int64
	r := New(Options{})
	r.LookInto(func(_ context.Context, _ model.Release, _ helm.Lookup, limit int64) ([]byte, error) {
		limits = append(limits, limit)
		return append([]byte(`{"apiVersion":"v1","kind":"PodList","items":[]}`), bytes.Repeat([]byte(" "), size-47)...), nil
	})
	_, err := r.Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{})
	if !errors.Is(err, ErrTooMuchFound) || !strings.Contains(err.Error(), "looking up v1 Pod in namespace n2") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]int64{maxFound, maxFound - size, 2}, limits); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

// TestLookupsBrokenNotes: notes that fail before any template ran do not make what is there unseen.
func TestLookupsBrokenNotes(t *testing.T) {
	for name, notes := range map[string]struct{ file, text string }{
		"a subchart's that fail": {"charts/sub/templates/NOTES.txt", "{{ .Values.none.of.it }}"},
		"that do not parse":      {"templates/NOTES.txt", "{{ if }}"},
	} {
		a, rel := lookingChart(t), model.Release{Name: "db", Namespace: "dev", Renderer: model.RenderHelm}
		for file, text := range map[string]string{"charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n", notes.file: notes.text} {
			file = filepath.Join(a.Dir, filepath.FromSlash(file))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r := New(Options{})
		r.LookInto(func(_ context.Context, _ model.Release, q helm.Lookup, _ int64) ([]byte, error) {
			return []byte(inCluster[q]), nil
		})
		got, err := r.Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !strings.Contains(string(got.Objects[0].Body), `"password":"hunter2hunter2"`) {
			t.Errorf("%s: another password in %s", name, got.Objects[0].Body)
		}
	}
}

// TestLookupsNotKept: what was found is another the next time, so a result that depends on it is made anew;
// a chart that asks for nothing is rendered once and kept.
func TestLookupsNotKept(t *testing.T) {
	a, rel := lookingChart(t), model.Release{Name: "db", Namespace: "dev", Renderer: model.RenderHelm}
	chart := filepath.Join(a.Dir, "templates", "x.yaml")
	text := `{{ $old := lookup "v1" "Secret" "dev" "db" }}{apiVersion: v1, kind: ConfigMap, metadata: {name: out}, data: {was: {{ $old.data.was | quote }} }}`
	if err := os.WriteFile(chart, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r, is := New(Options{CacheDir: t.TempDir()}), "one"
	r.LookInto(func(_ context.Context, of model.Release, _ helm.Lookup, _ int64) ([]byte, error) {
		if of.Namespace != "dev" {
			t.Errorf("looking for %+v", of)
		}
		return []byte(`{"apiVersion":"v1","kind":"Secret","data":{"was":"` + is + `"}}`), nil
	})
	var inputs []string
	for _, is = range []string{"one", "two"} {
		got, err := r.Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{})
		if err != nil || !strings.Contains(string(got.Objects[0].Body), `"was":"`+is+`"`) {
			t.Fatalf("%s: %v, %v", is, got.Objects, err)
		}
		inputs = append(inputs, got.Digest)
	}
	if inputs[0] != inputs[1] {
		t.Error("what was found is part of the inputs")
	}
	b := lookingChart(t)
	b.Digest = "sha256:asks nothing"
	if err := os.WriteFile(filepath.Join(b.Dir, "templates", "x.yaml"), []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: out}}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Render(t.Context(), rel, b, model.Capabilities{}, RenderOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if s := r.Stats(); s.Renders != 3 || s.CacheHits != 1 {
		t.Errorf("%+v", s)
	}
}

// TestLookupsPlace: what may not be read is told where the chart asks for it, unless only its notes do.
func TestLookupsPlace(t *testing.T) {
	refused := &model.Error{Kind: model.ErrDenied, Reason: "Forbidden", Msg: "no", Next: "ask somebody"}
	look := func(_ context.Context, _ model.Release, q helm.Lookup, _ int64) ([]byte, error) {
		if q.Namespace == "pay" {
			return nil, refused
		}
		return []byte(inCluster[q]), nil
	}
	for _, tt := range []struct{ file, text, want string }{
		{"templates/a.yaml", "# one\n{{ $_ := lookup \"v1\" \"Secret\" \"pay\" \"db\" }}", "templates/a.yaml:2: looking up v1 Secret db in namespace pay, which the chart asks for: no"},
		{"templates/z.yaml", "{{ range list \"a\" \"ab\" }}{{ $_ := lookup \"v1\" \"Secret\" \"pay\" . }}{{ end }}", "templates/z.yaml:1: looking up v1 Secret a in namespace pay"},
		{"templates/NOTES.txt", "{{ $_ := lookup \"v1\" \"Secret\" \"pay\" \"db\" }}", ""},
	} {
		a, rel := lookingChart(t), model.Release{Name: "db", Namespace: "dev", Renderer: model.RenderHelm}
		if err := os.WriteFile(filepath.Join(a.Dir, filepath.FromSlash(tt.file)), []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		r := New(Options{})
		r.LookInto(look)
		got, err := r.Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{})
		if tt.want == "" {
			if err != nil || !strings.Contains(string(got.Objects[0].Body), `"password":"hunter2hunter2"`) {
				t.Errorf("%s: %v", tt.file, err)
			}
			continue
		}
		var e *model.Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), tt.want) || e.Next != "ask somebody" || e.Kind != model.ErrDenied || !errors.Is(err, refused) {
			t.Errorf("%s: %v", tt.file, err)
		}
	}
}
