package helm

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// inline writes a chart from its files, on top of a sound one, and gives a request to render it. A
// file with empty text is left out.
func inline(t *testing.T, files map[string]string) Request {
	t.Helper()
	all := map[string]string{
		"Chart.yaml":       "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"templates/_h":     "{{ define \"h\" }}\n{{ .Values.a.b.c }}\n{{ end }}",
		"templates/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
	}
	maps.Copy(all, files)
	dir := t.TempDir()
	for name, text := range all {
		if text == "" {
			continue
		}
		file := filepath.Join(dir, "chart", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Request{Dir: dir, Path: "chart", Digest: dir, Name: "shop", Namespace: "dev", Capabilities: testCapabilities}
}

func one(name, text string) map[string]string { return map[string]string{name: text} }

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"

// errorCases change a sound chart, or the values given to it, in one way each.
var errorCases = map[string]struct {
	files  map[string]string
	values []model.ValuesLayer
	want   string // of the error: "file:line: ..."
	reason string
	next   bool
}{
	"no chart": {files: one("Chart.yaml", ""), want: "Chart.yaml: the folder holds no chart: Chart.yaml is missing", reason: "ChartNotFound", next: true},
	"chart is no YAML": {files: one("Chart.yaml", "apiVersion: v2\nname: app\nversion: : 1\n"),
		want: "Chart.yaml:3: not valid YAML: mapping values are not allowed in this context", reason: "InvalidChart"},
	"chart without version": {files: one("Chart.yaml", "apiVersion: v2\nname: app\n"),
		want: "Chart.yaml: chart.metadata.version is required", reason: "InvalidChart"},
	"chart with a bad version": {files: one("Chart.yaml", "apiVersion: v2\nname: app\nversion: one\n"),
		want: `Chart.yaml:3: chart.metadata.version "one" is invalid`, reason: "InvalidChart"},
	"chart v3": {files: one("Chart.yaml", "# v3\napiVersion: v3\nname: app\nversion: 1.0.0\n"),
		want: "Chart.yaml:2: apiVersion v3 is not supported", reason: "InvalidChart", next: true},
	"values are no YAML": {files: one("values.yaml", "a: 1\nb: [1\n"), want: "values.yaml:2: not valid YAML: did not find expected ',' or ']'", reason: "InvalidChart"},
	"subchart's values are no YAML": {
		files: map[string]string{"charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n", "charts/db/values.yaml": "\n\na: b: c\n"},
		want:  "charts/db/values.yaml:3: not valid YAML: mapping values are not allowed in this context", reason: "InvalidChart"},
	"wrong Kubernetes": {files: one("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\nkubeVersion: '>=2'\n"),
		want: "Chart.yaml: the chart wants Kubernetes >=2, the cluster is v1.36.3", reason: "KubeVersionMismatch", next: true},

	"template does not parse": {files: one("templates/x.yaml", "a: 1\nb: {{ if }}\n"),
		want: "templates/x.yaml:2: missing value for if", reason: "TemplateError"},
	"unknown function": {files: one("templates/x.yaml", "\n{{ nofunction }}"),
		want: `templates/x.yaml:2: function "nofunction" not defined`, reason: "TemplateError"},
	"nil pointer": {files: one("templates/x.yaml", "a: 1\n\nb: {{ .Values.a.b.c }}\n"),
		want: "templates/x.yaml:3: nil pointer evaluating interface {}.b", reason: "TemplateError", next: true},
	"in an included template": {files: one("templates/x.yaml", "a: 1\n\nb: {{ include \"h\" . }}\n"),
		want: "templates/_h:2: nil pointer evaluating interface {}.b (included from templates/x.yaml:3)", reason: "TemplateError", next: true},
	"fail": {files: one("templates/x.yaml", "a: 1\n{{ fail \"no: thanks\" }}\n"),
		want: "templates/x.yaml:2: no: thanks", reason: "TemplateError", next: true},
	"required": {files: one("templates/x.yaml", "{{ required \"name is needed\" .Values.name }}\n"),
		want: "templates/x.yaml:1: name is needed", reason: "TemplateError", next: true},
	"fail in the notes": {files: one("templates/NOTES.txt", "{{ fail \"password and secret exclude each other\" }}"),
		want: "templates/NOTES.txt:1: password and secret exclude each other", reason: "TemplateError", next: true},
	"missing template": {files: one("templates/x.yaml", "{{ include \"gone\" . }}"),
		want: `templates/x.yaml:1: no template "gone" associated with template "gotpl"`, reason: "TemplateError"},
	"in tpl": {files: one("templates/x.yaml", "{{ tpl \"{{ .Values.a.b }}\" . }}"),
		want: "templates/x.yaml:1: nil pointer evaluating interface {}.b", reason: "TemplateError", next: true},
	"in a subchart": {
		files: map[string]string{"charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n", "charts/db/templates/y.yaml": "{{ fail \"x\" }}"},
		want:  "charts/db/templates/y.yaml:1: x", reason: "TemplateError", next: true},

	"output is no YAML": {files: one("templates/x.yaml", configMap+"---\nkind: ConfigMap\nmetadata:\n  name: y\n bad: {{ 1 }}\n"),
		want: "templates/x.yaml: line 8 of the rendered file: not valid YAML: did not find expected key", reason: "InvalidYAML"},
	"output is no object": {files: one("templates/x.yaml", configMap+"---\n\nname: y\n"),
		want: "templates/x.yaml: line 6 of the rendered file: not a Kubernetes object: it has neither apiVersion nor kind", reason: "InvalidObject"},
	"output is a list": {files: one("templates/x.yaml", "- a\n- b\n"), want: "templates/x.yaml: line 1 of the rendered file: not a Kubernetes object: the document is no map", reason: "InvalidObject"},
	"no name": {files: one("templates/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n"),
		want: "templates/x.yaml: ConfigMap/: line 1 of the rendered file: metadata.name is empty", reason: "InvalidObject"},
	"annotation is a number": {files: one("templates/x.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, annotations: {a: 1}}\n"),
		want: `templates/x.yaml: ConfigMap/x: line 1 of the rendered file: metadata.annotations: the value of "a" is not a string: put it in quotes`, reason: "InvalidObject"},
	"twice the same": {files: one("templates/y.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: dev}\n"),
		want: "templates/y.yaml: ConfigMap/x: written twice: here and in templates/x.yaml", reason: "DuplicateObject", next: true},

	"values of the wrong type": {files: one("values.schema.json", `{"properties": {"image": {"properties": {"tag": {"type": "string"}}}, "count": {"minimum": 3}}}`),
		values: yamlLayer("image: {tag: 1.5}\ncount: 1\n"),
		want:   "values.schema.json: count: minimum: got 1, want 3; image.tag: got number, want string", reason: "SchemaViolation", next: true},
	"a value is missing": {files: one("values.schema.json", `{"required": ["image"]}`),
		want: "values.schema.json: values: missing property 'image'", reason: "SchemaViolation", next: true},
	"subchart's values": {
		files: map[string]string{
			"charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n", "charts/db/values.schema.json": `{"properties": {"size": {"type": "integer"}}}`},
		values: yamlLayer("db: {size: big}"),
		want:   "charts/db/values.schema.json: db.size: got string, want integer", reason: "SchemaViolation", next: true},
	"schema reads a file": {files: one("values.schema.json", `{"$ref": "file:///etc/passwd"}`),
		want:   `values.schema.json: not a usable JSON schema: failing loading "file:///etc/passwd": references to other files and hosts are not followed`,
		reason: "InvalidSchema", next: true},
	"schema asks a host": {files: one("values.schema.json", `{"properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}}`),
		want:   `values.schema.json: not a usable JSON schema: failing loading "http://127.0.0.1:1/x": references to other files and hosts are not followed`,
		reason: "InvalidSchema", next: true},
	"schema is no JSON": {files: one("values.schema.json", `{`), want: "values.schema.json: not a usable JSON schema: unexpected EOF", reason: "InvalidSchema"},

	"layer is no map":     {values: yamlLayer("- a\n"), want: "spec.values: values must be a map", reason: "InvalidValues"},
	"layer is a word":     {values: yamlLayer("hello"), want: "spec.values: values must be a map", reason: "InvalidValues"},
	"layer is no YAML":    {values: yamlLayer("a: 1\nb: : 2\n"), want: "spec.values, line 2: not valid YAML: mapping values are not allowed in this context", reason: "InvalidValues"},
	"no such values file": {values: []model.ValuesLayer{{File: "prod.yaml"}}, want: "prod.yaml: there is no such values file", reason: "ValuesNotFound", next: true},
	"values file outside": {values: []model.ValuesLayer{{File: "../../x.yaml"}}, want: "../../x.yaml: the values file lies outside of the source", reason: "InvalidPath"},
	"bad parameter": {values: []model.ValuesLayer{{Origin: "parameters[0]", Set: &model.Parameter{Name: "a[x]", Value: "1"}}},
		want: `parameters[0]: parameter "a[x]" cannot be set: error parsing index: strconv.Atoi: parsing "x": invalid syntax`, reason: "InvalidValues"},
	"map for a subchart": {files: one("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"), values: yamlLayer("db: 3"),
		want: "values do not fit the chart: type mismatch on db: %!t(float64=3)", reason: "InvalidValues"},

	"dependency by alias": {files: one("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: db, version: 1.x, repository: '@stable'}]\n"),
		want: `Chart.yaml: dependency "db": its repository "@stable" is an alias that only the author's machine knows`, reason: "MissingDependency", next: true},
	"dependency outside": {files: one("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: db, version: 1.x, repository: 'file://../../db'}]\n"),
		want: `Chart.yaml: dependency "db": its repository file://../../db lies outside of the source`, reason: "MissingDependency", next: true},
	"dependency is not there": {files: one("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: db, version: 1.x, repository: 'file://../db'}]\n"),
		want: `Chart.yaml: dependency "db": there is no chart at its repository file://../db`, reason: "MissingDependency", next: true},
	"dependency of another version": {
		files: map[string]string{
			"Chart.yaml":    "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: db, version: 2.x, repository: 'file://db'}]\n",
			"db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n"},
		want: `Chart.yaml: dependency "db": version 1.0.0 was found, Chart.yaml wants 2.x`, reason: "MissingDependency", next: true},
	"dependencies go round": {files: one("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: app, version: 1.x, repository: 'file://.'}]\n"),
		want: `Chart.yaml: dependency "app": dependencies go round, or are nested too deep`, reason: "MissingDependency"},
}

func TestErrors(t *testing.T) {
	for name, tt := range errorCases {
		t.Run(name, func(t *testing.T) {
			req := inline(t, tt.files)
			req.Values = tt.values
			_, err := Render(t.Context(), req, nil)
			if err == nil {
				t.Fatal("it renders")
			}
			e := asError(t, err)
			if e.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", e.Error(), tt.want)
			}
			if e.Reason != tt.reason || (e.Kind != model.ErrInvalid && e.Kind != model.ErrNotFound) || (e.Next != "") != tt.next {
				t.Errorf("got %s %s, next %q", e.Kind, e.Reason, e.Next)
			}
		})
	}
}

func TestBrokenNotesAreDropped(t *testing.T) {
	req := inline(t, one("templates/NOTES.txt", "{{ .Values.a.b.c }}"))
	r, err := Render(t.Context(), req, nil)
	if err != nil || r.Notes != "" || len(r.Objects) != 1 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestMissingDependenciesAreListed(t *testing.T) {
	req := inline(t, map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {name: db, version: 1.x, repository: 'https://charts.example.com'}\n- {name: mq, version: ^2, repository: 'oci://registry.example.com/charts'}\n",
		"Chart.lock": "dependencies: [{name: db, version: 1.4.2, repository: 'https://charts.example.com'}]\n",
	})
	_, err := Render(t.Context(), req, nil)
	var need *NeedDependencies
	if !errors.As(err, &need) || len(need.Missing) != 2 {
		t.Fatalf("got %v", err)
	}
	if need.Missing[0].Version != "1.4.2" || need.Missing[1].Version != "^2" {
		t.Errorf("got %+v", need.Missing)
	}
}

// TestLinksStayInside checks that no link out of the artifact is followed, and that those within it
// are, as Helm does.
func TestLinksStayInside(t *testing.T) {
	req := inline(t, nil)
	other := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(other, []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: stolen}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	shared := filepath.Join(req.Dir, "shared.yaml")
	if err := os.WriteFile(shared, []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(req.Dir, "chart/templates/link.yaml")
	if err := os.Symlink("../../shared.yaml", link); err != nil {
		t.Fatal(err)
	}
	r, err := Render(t.Context(), req, nil)
	if err != nil || len(r.Objects) != 2 {
		t.Errorf("a link inside: %d objects, %v", len(r.Objects), err)
	}
	for _, target := range []string{other, "../../../" + filepath.Base(filepath.Dir(other)) + "/secret.yaml"} {
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if _, err := Render(t.Context(), req, nil); model.ReasonOf(err, "") != "InvalidPath" {
			t.Errorf("a link to %s: %v", target, err)
		}
	}
}

// TestSecretsStayHidden puts a secret where each kind of error would show it.
func TestSecretsStayHidden(t *testing.T) {
	const secret = "s3cr3t-Value/with=signs"
	sensitive := func(text string) []model.ValuesLayer {
		return []model.ValuesLayer{{Origin: "Secret dev/db key values.yaml", YAML: []byte(text), Sensitive: true}}
	}
	tests := map[string]struct {
		files  map[string]string
		values []model.ValuesLayer
	}{
		"fail":             {one("templates/x.yaml", "{{ fail (printf \"bad password %s\" .Values.password) }}"), sensitive("password: " + secret)},
		"encoded":          {one("templates/x.yaml", "{{ fail (.Values.password | b64enc) }}"), sensitive("password: " + secret)},
		"quoted":           {one("templates/x.yaml", "{{ fail (.Values.password | quote) }}"), sensitive("password: 's3cr3t-Value/with=signs \"'")},
		"whole tree":       {one("templates/x.yaml", "{{ fail (toYaml .Values) }}"), sensitive("a: {b: [" + secret + "]}")},
		"tpl":              {one("templates/x.yaml", "{{ tpl .Values.t . }}"), sensitive("t: '{{ fail \"" + secret + "\" }}'")},
		"tpl parse":        {one("templates/x.yaml", "{{ tpl .Values.t . }}"), sensitive("t: '{{ if " + secret + "'")},
		"template error":   {one("templates/x.yaml", "{{ add 1 (atoi .Values.password) }}{{ index .Values .Values.password \"x\" }}"), sensitive("password: " + secret)},
		"schema enum":      {one("values.schema.json", `{"properties": {"password": {"enum": ["a"]}}}`), sensitive("password: " + secret)},
		"schema pattern":   {one("values.schema.json", `{"properties": {"password": {"pattern": "^x$"}}}`), sensitive("password: " + secret)},
		"schema key":       {one("values.schema.json", `{"additionalProperties": false}`), sensitive("s3cr3t-Value: 1")},
		"not a map":        {nil, sensitive(secret)},
		"not YAML":         {nil, sensitive("a: [" + secret)},
		"rendered YAML":    {one("templates/x.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {{ .Values.password }}: : x\n"), sensitive("password: " + secret)},
		"rendered type":    {one("templates/x.yaml", "{{ .Values.password }}"), sensitive("password: " + secret)},
		"object's name":    {one("templates/x.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Values.password }}, labels: {a: 1}}\n"), sensitive("password: s3cr3t-Value")},
		"parameter":        {one("templates/x.yaml", "{{ fail .Values.password }}"), []model.ValuesLayer{{Set: &model.Parameter{Name: "password", Value: secret}, Sensitive: true}}},
		"broken parameter": {nil, []model.ValuesLayer{{Set: &model.Parameter{Name: "a[s3cr3t-Value]", Value: secret}, Sensitive: true}}},
		"several lines":    {one("templates/x.yaml", "{{ fail (.Values.key | nindent 4) }}"), sensitive("key: |\n  -----BEGIN-----\n  s3cr3t-Value\n  -----END-----\n")},
		"shortened": {one("templates/x.yaml", "apiVersion: v1\nkind: Secret\nmetadata: s3cr3t-Value-longer-than-that\n"),
			sensitive("password: s3cr3t-Value-longer-than-that")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			req := inline(t, tt.files)
			req.Values = tt.values
			_, err := Render(t.Context(), req, nil)
			if err == nil {
				t.Fatal("it renders")
			}
			for _, part := range []string{"s3cr3t", "czNjcjN0"} {
				if strings.Contains(err.Error(), part) || strings.Contains(asError(t, err).Next, part) {
					t.Errorf("the secret is told: %v", err)
				}
			}
			t.Log(err)
		})
	}
}
