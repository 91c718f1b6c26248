package render

import (
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
	r.LookInto(func(_ context.Context, q helm.Lookup, _ int64) ([]byte, error) {
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
	r.LookInto(func(context.Context, helm.Lookup, int64) ([]byte, error) { return nil, refused })
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
	many.LookInto(func(context.Context, helm.Lookup, int64) ([]byte, error) { return nil, nil })
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
	r.LookInto(func(_ context.Context, _ helm.Lookup, limit int64) ([]byte, error) {
		limits = append(limits, limit)
		return make([]byte, size), nil
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
		r.LookInto(func(_ context.Context, q helm.Lookup, _ int64) ([]byte, error) { return []byte(inCluster[q]), nil })
		got, err := r.Render(t.Context(), rel, a, model.Capabilities{}, RenderOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !strings.Contains(string(got.Objects[0].Body), `"password":"hunter2hunter2"`) {
			t.Errorf("%s: another password in %s", name, got.Objects[0].Body)
		}
	}
}
