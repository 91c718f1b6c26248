package values_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	helmvalues "helm.sh/helm/v4/pkg/cli/values"
	"helm.sh/helm/v4/pkg/getter"

	"github.com/fairlead-cd/fairlead/internal/cli/values"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// files are what arguments of the tests name; "@" in an argument is their folder.
var files = map[string]string{
	"a.yaml":     "image: {tag: '1', pull: Always}\nlist: [{name: x, port: 1}, {name: y}]\nbig: 12345678\ngone: here\n",
	"b.yaml":     "image:\n  tag: '2'\ngone: null\n---\nsecond: document\n",
	"empty.yaml": "# nothing\n",
	"text.ini":   "[x]\na=1,2\n",
}

func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// parse reads arguments as a command would.
func parse(t *testing.T, stdin string, args ...string) ([]model.ValuesLayer, error) {
	t.Helper()
	var v values.Values
	cmd := &cobra.Command{Use: "x"}
	values.AddFlags(cmd, &v)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return v.Layers(strings.NewReader(stdin))
}

// kinds shows the types of all values beside them: 1 from a file and 1 from --set are not the same.
const kinds = `{{ define "kinds" }}{{ if kindIs "map" . }}{{ range $k, $v := . }}
# {{ $k }}: {{ include "kinds" $v }}{{ end }}{{ else if kindIs "slice" . }}{{ range . }}
# - {{ include "kinds" . }}{{ end }}{{ else }}{{ typeOf . }} {{ . | toString | quote }}{{ end }}{{ end -}}
{{ include "kinds" .Values }}
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
`

// render gives what the renderer makes of layers.
func render(t *testing.T, layers []model.ValuesLayer) (model.Rendered, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "c/templates/kinds.yaml": kinds} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return helm.Render(t.Context(), helm.Request{Dir: dir, Path: "c", Digest: "c", Name: "r", Namespace: "n", Values: layers}, nil)
}

// TestLayersAsHelm compares with what Helm's own command line makes of the same arguments.
func TestLayersAsHelm(t *testing.T) {
	for name, args := range map[string][]string{
		"the last file wins":              {"-f", "@/a.yaml", "-f", "@/b.yaml"},
		"files with a comma":              {"-f", "@/b.yaml,@/a.yaml"},
		"empty file":                      {"-f", "@/empty.yaml"},
		"types":                           {"--set", "i=1,f=1.5,t=true,n=null,s=abc,e=,o=010,big=12345678"},
		"strings":                         {"--set-string", "i=1,t=true,n=null"},
		"item of a list of a file":        {"-f", "@/a.yaml", "--set", "list[1].port=2,list[2].name=z"},
		"lists":                           {"--set", "l={a,b,1},empty={}"},
		"escapes":                         {"--set", `a\.b=1,c=x\,y`},
		"deleted":                         {"-f", "@/a.yaml", "--set", "image.pull=null"},
		"content of files":                {"--set-file", "conf=@/text.ini,other=@/empty.yaml"},
		"JSON":                            {"-f", "@/a.yaml", "--set-json", `list=[1,{"a":2}],image={"x":1.5}`},
		"JSON as a whole":                 {"-f", "@/a.yaml", "--set-json", `{"image":{"x":1},"n":null}`},
		"literal":                         {"--set-literal", `p=a,b=c{}`},
		"order is of flags and not typed": {"--set-literal", "x=5", "--set-file", "x=@/text.ini", "--set-string", "x=3", "--set", "x=2", "--set-json", "x=1", "-f", "@/a.yaml"},
		"set over json over file":         {"--set", "image.tag=3", "--set-json", `image.tag="j",image.j=1`, "-f", "@/a.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "@", dir)
			}
			layers, err := parse(t, "", args...)
			if err != nil {
				t.Fatal(err)
			}
			got, err := render(t, layers)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asHelm(t, args), string(got.Chart.Config)); diff != "" {
				t.Errorf("values (-helm +got):\n%s", diff)
			}
		})
	}
}

func asHelm(t *testing.T, args []string) string {
	t.Helper()
	var o helmvalues.Options
	cmd := &cobra.Command{Use: "x"}
	f := cmd.Flags()
	f.StringSliceVarP(&o.ValueFiles, "values", "f", nil, "")
	f.StringArrayVar(&o.Values, "set", nil, "")
	f.StringArrayVar(&o.StringValues, "set-string", nil, "")
	f.StringArrayVar(&o.FileValues, "set-file", nil, "")
	f.StringArrayVar(&o.JSONValues, "set-json", nil, "")
	f.StringArrayVar(&o.LiteralValues, "set-literal", nil, "")
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	merged, err := o.MergeValues(getter.Providers{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(merged)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestTypes holds what charts see of numbers: --set gives integers, files give floats.
func TestTypes(t *testing.T) {
	layers, err := parse(t, "fromFile: 12345678\n", "-f", "-", "--set", "fromSet=12345678")
	if err != nil {
		t.Fatal(err)
	}
	got, err := render(t, layers)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`# fromFile: float64 "1.2345678e+07"`, `# fromSet: int64 "12345678"`} {
		if !strings.Contains(got.Chart.Manifest, want) {
			t.Errorf("no %q in\n%s", want, got.Chart.Manifest)
		}
	}
}

func TestBadInput(t *testing.T) {
	for name, tt := range map[string]struct {
		args  []string
		stdin string
		want  string // of the whole message
		kind  model.ErrorKind
	}{
		"missing file":           {args: []string{"-f", "nowhere.yaml"}, want: "nowhere.yaml: there is no such file", kind: model.ErrNotFound},
		"a folder":               {args: []string{"-f", "."}, want: ".: it cannot be read: is a directory"},
		"a list":                 {args: []string{"-f", "-"}, stdin: "# values\n---\n\n- a\n", want: "stdin:4: values must be a map, NAME: VALUE on every line"},
		"a text":                 {args: []string{"-f", "-"}, stdin: "hunter2\n", want: "stdin:1: values must be a map, NAME: VALUE on every line"},
		"no YAML":                {args: []string{"-f", "-"}, stdin: "a: 1\nb: c: hunter2\n", want: "stdin:2: not valid YAML: mapping values are not allowed in this context"},
		"a URL":                  {args: []string{"-f", "https://example.com/v.yaml"}, want: "https://example.com/v.yaml: values are read from files, not from the network"},
		"no =":                   {args: []string{"--set", "image.tag"}, want: "--set image.tag: there is no ="},
		"no = but a colon":       {args: []string{"--set", "password:hunter2"}, want: "--set password...: there is no ="},
		"nothing":                {args: []string{"--set", ""}, want: "--set: it is empty"},
		"a comma in a value":     {args: []string{"--set", "password=abc,hunter2"}, want: "--set password: what follows a comma is no NAME=VALUE"},
		"an index that is none":  {args: []string{"--set", "a[x]=1"}, want: "--set a[x]: the name cannot be understood"},
		"an open list":           {args: []string{"--set", "a={x,hunter2"}, want: "--set a: a list is not closed with }"},
		"JSON that is none":      {args: []string{"--set-json", "a={hunter2"}, want: "--set-json a: what is set is not valid JSON"},
		"an object that is none": {args: []string{"--set-json", "{hunter2"}, want: "--set-json {...}: what is set is not valid JSON"},
		"missing file of a set":  {args: []string{"--set-file", "a=nowhere.ini"}, want: "nowhere.ini: there is no such file", kind: model.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, tt.stdin, tt.args...)
			if err == nil {
				t.Fatal("no error")
			}
			if err.Error() != tt.want {
				t.Errorf("got  %s\nwant %s", err, tt.want)
			}
			if tt.kind == "" {
				tt.kind = model.ErrInvalid
			}
			if model.KindOf(err) != tt.kind {
				t.Errorf("kind %q, want %q", model.KindOf(err), tt.kind)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("it shows a value: %s", err)
			}
		})
	}
}

// TestConflict: what can only be seen once everything is merged is the renderer's to tell.
func TestConflict(t *testing.T) {
	layers, err := parse(t, "image: web\n", "-f", "-", "--set", "image.tag=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	_, err = render(t, layers)
	if want := "--set image.tag: it cannot be set: what it goes into has another type in the values below"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
