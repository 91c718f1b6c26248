package schema

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

var update = flag.Bool("update", false, "write golden files")

// values holds one of everything that the inference knows.
const values = `# Default values.

# -- How many pods.
replicas: 1
image:
  # -- Where it is from.
  # It has two lines.
  repository: example.com/app
  # -- Always, IfNotPresent or Never.
  pullPolicy: IfNotPresent
  tag: ""
# one of: debug, info, warn; empty means info
logLevel: ""
# one of: red, green
color: blue
# -- (int) Port on the host.
hostPort:
anything: null
ratio: 0.5
enabled: true # beside the value
# tolerations:
# - key: a
tolerations: []
args: [a, b]
mixed: [a, 1]
rules:
  - host: example.com
podAnnotations:
  team: shop
nodeSelector: {}
resources:
  limits: {cpu: 100m}
ports:
  80: http
# @schema type:[string,integer]; minLength:1
size: 1Gi
# @schema
# enum: [a, b]
# description: from the annotation
# @schema
letter: a
defaults: &defaults
  timeout: 3
override:
  <<: *defaults
  retries: 2
`

func chartOf(more map[string]string) []helm.File {
	files := map[string]string{"Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n", "values.yaml": values}
	for name, text := range more {
		files[name] = text
	}
	var all []helm.File
	for name, text := range files {
		if text != "" {
			all = append(all, helm.File{Name: name, Data: []byte(text)})
		}
	}
	slices.SortFunc(all, func(a, b helm.File) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func generate(t *testing.T, files []helm.File, extra ...File) Result {
	t.Helper()
	res, err := Generate(files, extra)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

func TestInfer(t *testing.T) {
	res := generate(t, chartOf(nil))
	golden(t, "app.schema.json", res.Text)
	if len(res.Refused) > 0 || len(res.Notes) > 0 {
		t.Errorf("notes %q, refused %q", res.Notes, res.Refused)
	}
	if again := generate(t, chartOf(map[string]string{"values.schema.json": string(res.Text)})); again.Changed || len(again.Notes) > 0 {
		t.Errorf("merging with itself changed it: %q\n%s", again.Notes, cmp.Diff(string(res.Text), string(again.Text)))
	}
}

// TestAccepts sets values as people do, rightly and wrongly.
func TestAccepts(t *testing.T) {
	text := generate(t, chartOf(nil)).Text
	for given, want := range map[string]string{
		`{"image":{"tag":"2"},"podAnnotations":{"any":"thing"},"nodeSelector":{"a":"b"}}`: "",
		`{"resources":{"requests":{"memory":"1Gi"}},"ports":{"8080":"x"}}`:                "",
		`{"hostPort":80,"anything":{"a":[1]},"ratio":1,"size":5}`:                         "",
		`{"global":{"x":1}}`:              "",
		`{"image":{"repoistory":"x"}}`:    "image: additional properties 'repoistory' not allowed",
		`{"replica":2}`:                   "values: additional properties 'replica' not allowed",
		`{"replicas":"two"}`:              "replicas: got string, want integer",
		`{"image":{"pullPolicy":"Now"}}`:  "image.pullPolicy: value must be one of 'Always', 'IfNotPresent', 'Never'",
		`{"hostPort":"eighty"}`:           "hostPort: got string, want null or integer",
		`{"override":{"timout":1}}`:       "override: additional properties 'timout' not allowed",
		`{"args":["a",1]}`:                "args.1: got number, want string",
		`{"mixed":[true],"rules":[1]}`:    "rules.0: got number, want object",
		`{"tolerations":[{"key":"any"}]}`: "",
	} {
		var v map[string]any
		if err := json.Unmarshal([]byte(given), &v); err != nil {
			t.Fatal(err)
		}
		violations, err := helm.Violations(text, v)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(violations, "; "); (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", given, got, want)
		}
	}
}

// TestOtherFiles: the schema accepts values-*.yaml as well.
func TestOtherFiles(t *testing.T) {
	prod := File{Name: "values-prod.yaml", Data: []byte("replicas: 1.5\nimage: {tag: 7, digest: x}\nlogLevel: trace\nextra: {a: 1}\nargs: [1]\nhostPort: 80\nnodeSelector: {disk: ssd}\n")}
	res := generate(t, chartOf(nil), prod)
	if len(res.Refused) > 0 {
		t.Errorf("refused %q", res.Refused)
	}
	want := []string{"image.digest: only in values-prod.yaml, not in values.yaml", "extra: only in values-prod.yaml, not in values.yaml"}
	if diff := cmp.Diff(want, res.Notes); diff != "" {
		t.Error(diff)
	}
}

// TestMerge: what somebody wrote wins, and is all kept.
func TestMerge(t *testing.T) {
	existing := `{
  "$schema": "http://json-schema.org/draft-07/schema#",
  "$defs": {"port": {"type": "integer", "maximum": 65535}},
  "properties": {
    "replicas": {"type": "integer", "minimum": 1, "description": "ours"},
    "image": {"type": "object", "properties": {"repository": {"type": "string", "pattern": "^example"}}},
    "hostPort": {"$ref": "#/$defs/port"},
    "ratio": {"type": "string"},
    "nodeSelector": true,
    "gone": {"type": "boolean"},
    "ports": {"type": "object", "additionalProperties": {"type": "string"}}
  },
  "required": ["image"]
}`
	res := generate(t, chartOf(map[string]string{"values.schema.json": existing}))
	golden(t, "merged.schema.json", res.Text)
	for _, want := range []string{
		"ratio: the schema says string, values.yaml holds number; the schema's is kept",
		"gone: in the schema, not in values.yaml; kept",
		"image.pullPolicy: added",
		"image: closed, other keys are refused now",
		"values: closed, other keys are refused now",
	} {
		if !slices.Contains(res.Notes, want) {
			t.Errorf("no note %q in %q", want, res.Notes)
		}
	}
	if diff := cmp.Diff([]string{"values.yaml: ratio: got number, want string"}, res.Refused); diff != "" {
		t.Error(diff)
	}
}

func TestSubcharts(t *testing.T) {
	files := chartOf(map[string]string{
		"Chart.yaml": `apiVersion: v2
name: app
version: 1.0.0
dependencies:
  - {name: db, version: 1.x, condition: db.enabled, tags: [data]}
  - {name: db, version: 1.x, alias: other}
  - {name: strict, version: 1.x}
  - {name: remote, version: 1.x, repository: 'https://charts.example.com', condition: remote.enabled}
`,
		"values.yaml":                      "db: {user: app}\nstrict: {a: {b: 1}}\nremote: {deep: {key: 1}}\n",
		"charts/db/Chart.yaml":             "apiVersion: v2\nname: db\nversion: 1.0.0\n",
		"charts/db/values.yaml":            "# -- Who.\nuser: root\nstorage: {size: 1Gi}\nlabels: {}\n",
		"charts/strict/Chart.yaml":         "apiVersion: v2\nname: strict\nversion: 1.0.0\n",
		"charts/strict/values.yaml":        "a: {c: 1}\n",
		"charts/strict/values.schema.json": `{"type":"object"}`,
	})
	res := generate(t, files)
	golden(t, "subcharts.schema.json", res.Text)
	if len(res.Refused) > 0 {
		t.Errorf("refused %q", res.Refused)
	}
	for given, want := range map[string]string{
		`{"db":{"storage":{"size":"2Gi"},"enabled":false,"global":{}},"tags":{"data":true}}`: "",
		`{"db":{"storge":{}}}`:                      "db: additional properties 'storge' not allowed",
		`{"other":{"usr":"x"}}`:                     "other: additional properties 'usr' not allowed",
		`{"strict":{"a":{"any":1}}}`:                "",
		`{"remote":{"deep":{"any":1},"any":"one"}}`: "",
	} {
		var v map[string]any
		if err := json.Unmarshal([]byte(given), &v); err != nil {
			t.Fatal(err)
		}
		violations, err := helm.Violations(res.Text, v)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(violations, "; "); (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", given, got, want)
		}
	}
}

// TestRenamedAndImported: the chart's own values are looked at as Helm looks at them, with aliases
// in the place of names and with what is imported from subcharts.
func TestRenamedAndImported(t *testing.T) {
	res := generate(t, chartOf(map[string]string{
		"Chart.yaml": `apiVersion: v2
name: app
version: 1.0.0
dependencies:
  - name: remote-cluster
    version: 1.x
    alias: serviceAccount
    condition: serviceAccount.create
    import-values:
      - network
      - {child: data, parent: store.disk}
      - {child: data, parent: .}
`,
		"values.yaml":                           "serviceAccount: {create: true}\nstore: {kind: s3}\n",
		"charts/remote-cluster/Chart.yaml":      "apiVersion: v2\nname: remote-cluster\nversion: 1.0.0\n",
		"charts/remote-cluster/values.yaml":     "labels: {}\ndata: {size: 1Gi}\nexports: {network: {port: 80}}\n",
		"charts/remote-cluster/charts/.gitkeep": "",
	}))
	if len(res.Refused) > 0 {
		t.Errorf("refused %q", res.Refused)
	}
	for _, key := range []string{`"port"`, `"size"`} {
		if !strings.Contains(string(res.Text), key) {
			t.Errorf("no %s in %s", key, res.Text)
		}
	}
}

func TestBadInput(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"values are a list":      {"values.yaml": "- a\n"},
		"schema is no JSON":      {"values.schema.json": "{"},
		"schema is no object":    {"values.schema.json": "[]"},
		"schema reaches out":     {"values.schema.json": `{"properties":{"replicas":{"$ref":"https://example.com/x.json"}}}`},
		"schema goes too deep":   {"values.schema.json": strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)},
		"there is no Chart.yaml": {"Chart.yaml": ""},
	} {
		if _, err := Generate(chartOf(files), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	res := generate(t, chartOf(map[string]string{"values.yaml": "# nothing\n"}))
	if !strings.Contains(string(res.Text), `"additionalProperties": false`) {
		t.Errorf("no values: %s", res.Text)
	}
}

// TestOwnCharts: the project's charts keep the schemas they have, which accept their values.
func TestOwnCharts(t *testing.T) {
	for _, name := range []string{"flask-app", "fairlead"} {
		res, err := Folder("../../../charts", name)
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Refused) > 0 {
			t.Errorf("%s: refused %q", name, res.Refused)
		}
	}
}

func TestChoices(t *testing.T) {
	for text, want := range map[string][]any{
		"one of debug, info or warn":                       {"debug", "info", "warn"},
		`Must be "a" or "b".`:                              {"a", "b"},
		"Always, IfNotPresent or Never.":                   {"Always", "IfNotPresent", "Never"},
		"ClusterIP or NodePort; empty means ClusterIP":     {"ClusterIP", "NodePort", ""},
		"Possible values: x | y":                           {"x", "y"},
		"The name or the address of a host.":               nil,
		"Whether to use it or not":                         nil,
		"Name of the Secret, or empty":                     nil,
		"one of these days":                                nil,
		"How many replicas, one or more, should be there.": nil,
	} {
		if diff := cmp.Diff(want, choices(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
