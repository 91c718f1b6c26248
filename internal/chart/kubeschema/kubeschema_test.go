package kubeschema

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/fairlead-cd/fairlead/internal/model"
)

func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	body, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var o map[string]any
	if err := dec.Decode(&o); err != nil {
		t.Fatal(err)
	}
	return o
}

func newest(t *testing.T) *Schemas {
	t.Helper()
	s, err := For(Newest())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *Schemas, text string) []string {
	t.Helper()
	o := decode(t, text)
	apiVersion, _ := o["apiVersion"].(string)
	kind, _ := o["kind"].(string)
	k, ok := s.Kind(apiVersion, kind)
	if !ok {
		t.Fatalf("no kind %s %s", apiVersion, kind)
	}
	var said []string
	for _, v := range k.Validate(o) {
		line := v.Path.String() + ": " + v.Msg
		if v.Hint != "" {
			line += " (" + v.Hint + ")"
		}
		said = append(said, line)
	}
	return said
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: example.com/web:1
`

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		object string
		want   []string
	}{
		"nothing wrong":  {deployment, nil},
		"null is absent": {deployment + "          resources: null\n          ports:\n", nil},
		"misspelt": {deployment + "          imagePullPolcy: Always\n",
			[]string{`spec.template.spec.containers[0].imagePullPolcy: there is no such field (did you mean "imagePullPolicy"?)`}},
		"at the wrong depth": {deployment + "          runAsNonRoot: true\n",
			[]string{`spec.template.spec.containers[0].runAsNonRoot: there is no such field (it belongs in securityContext.runAsNonRoot)`}},
		"a value that is none": {deployment + "          imagePullPolicy: Sometimes\n",
			[]string{`spec.template.spec.containers[0].imagePullPolicy: "Sometimes" is none of its values (use one of Always, IfNotPresent, Never)`}},
		"a number in quotes": {deployment + "          ports: [{containerPort: \"80\"}]\n",
			[]string{"spec.template.spec.containers[0].ports[0].containerPort: is a string, want a whole number (take away the quotes: no `quote`, but `int` or nothing in the template)"}},
		"a number without": {deployment + "          env: [{name: PORT, value: 80}]\n",
			[]string{"spec.template.spec.containers[0].env[0].value: is the number 80, want a string (put it in quotes: `| quote` in the template)"}},
		"a fraction": {deployment + "          ports: [{containerPort: 80.5}]\n",
			[]string{"spec.template.spec.containers[0].ports[0].containerPort: is the number 80.5, want a whole number"}},
		"no quantity": {deployment + "          resources: {limits: {memory: 64MB}}\n",
			[]string{"spec.template.spec.containers[0].resources.limits.memory: is a string, want a quantity like 100m or 64Mi"}},
		"a quantity that is a number": {deployment + "          resources: {limits: {cpu: 1, memory: 1e9}}\n", nil},
		"a map for a list": {deployment + "          env: {PORT: \"80\"}\n",
			[]string{`spec.template.spec.containers[0].env: is a map, want a list (begin it with "- ")`}},
		"twice": {deployment + "          env: [{name: A, value: \"1\"}, {name: B}, {name: A, value: \"2\"}]\n",
			[]string{"spec.template.spec.containers[0].env[2]: is the same as element 0: both have name A (remove one of the two)"}},
		"a port's protocol has a default": {deployment + "          ports: [{containerPort: 53}, {containerPort: 53, protocol: UDP}, {containerPort: 53, protocol: TCP}]\n",
			[]string{"spec.template.spec.containers[0].ports[2]: is the same as element 0: both have containerPort 53, protocol TCP (remove one of the two)"}},
		"missing": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{image: x}]}}}\n",
			[]string{"spec.template.spec.containers[0].name: is required and missing"}},
		"defaulted": {"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x}\nroleRef: {kind: Role, name: x}\n", nil},
		"a secret that is no base64": {"apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {password: \"not base64!\"}\n",
			[]string{"data.password: is a string, want base64"}},
		"whatever": {"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nspec: {group: g, names: {kind: K, plural: ks}, scope: Namespaced, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {type: object}}}}}]}\n", nil},
		"names with dots": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {app.ini: 1}\n",
			[]string{"data[\"app.ini\"]: is the number 1, want a string (put it in quotes: `| quote` in the template)"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, validate(t, newest(t), tt.object)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// No message quotes a value that could be a secret.
func TestValuesStaySecret(t *testing.T) {
	said := validate(t, newest(t), "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {password: hunter2!}\nstringData: {a: {b: hunter2!}}\ntype: [hunter2!]\n")
	if len(said) != 3 || strings.Contains(strings.Join(said, "\n"), "hunter2") {
		t.Errorf("got %q", said)
	}
}

func TestFor(t *testing.T) {
	for _, version := range []string{"1.33", "v1.34", "1.35.4", "v1.36.0", "1.36+"} {
		s, err := For(version)
		if err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		if _, ok := s.Kind("apps/v1", "Deployment"); !ok {
			t.Errorf("%s: no Deployment", version)
		}
	}
	for _, version := range []string{"", "1", "1.2", "2.36", "latest", "1.x"} {
		if _, err := For(version); model.KindOf(err) != model.ErrInvalid {
			t.Errorf("%s: got %v", version, err)
		}
	}
}

func TestLifecycles(t *testing.T) {
	s := newest(t)
	for name, tt := range map[string]struct {
		apiVersion, kind string
		gone, going      bool
		replacement      string
	}{
		"an Ingress of old": {"networking.k8s.io/v1beta1", "Ingress", true, true, "networking.k8s.io/v1 Ingress"},
		"even older":        {"extensions/v1beta1", "Ingress", true, true, "networking.k8s.io/v1 Ingress"},
		"no longer made":    {"autoscaling/v2beta2", "HorizontalPodAutoscaler", true, true, "autoscaling/v2 HorizontalPodAutoscaler"},
		"without successor": {"policy/v1beta1", "PodSecurityPolicy", true, true, ""},
		"only deprecated":   {"v1", "Endpoints", false, true, "discovery.k8s.io/v1 EndpointSlice"},
		"here to stay":      {"apps/v1", "Deployment", false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, _, err := Ends(tt.apiVersion, tt.kind)
			if err != nil {
				t.Fatal(err)
			}
			if l.Gone(s) != tt.gone || l.Going(s) != tt.going || l.Replacement != tt.replacement {
				t.Errorf("got %+v", l)
			}
		})
	}
	if old, err := For("1.33"); err != nil || !stable("apps/v1") || old.Own("example.com/v1") || !old.Own("extensions/v1beta1") {
		t.Error("groups of Kubernetes' own are not told from others")
	}
}

func TestNear(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"v1", "Deployment"}:       "apps/v1 Deployment",
		{"apps/v1", "Deploymnet"}:  "apps/v1 Deployment",
		{"batch/v1beta1", "Job"}:   "batch/v1 Job",
		{"v1", "SomethingUnknown"}: "",
	} {
		if got := newest(t).Near(in[0], in[1]); got != want {
			t.Errorf("%v: got %q, want %q", in, got, want)
		}
	}
}

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
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
              required: [size, mode]
              properties:
                size: {type: integer, minimum: 1, maximum: 9}
                mode: {type: string, enum: [slow, fast], default: slow}
                name: {type: string, pattern: "^[a-z]+$"}
                port: {x-kubernetes-int-or-string: true}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                labels: {type: object, additionalProperties: {type: string}}
    - {name: v1alpha1, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}
`

func TestCustomKind(t *testing.T) {
	kinds, ok := CustomKind(decode(t, definition))
	if !ok || len(kinds) != 1 {
		t.Fatalf("got %v, %v", kinds, ok)
	}
	s := newest(t).With(kinds)
	for text, want := range map[string][]string{
		`{size: 3, port: http, free: {a: [1]}, labels: {a: b}}`: nil,
		`{}`:                        {"spec.size: is required and missing"},
		`{size: 12}`:                {"spec.size: 12 is more than 9"},
		`{size: 1, mode: no}`:       {"spec.mode: is false, want a string (put it in quotes: `| quote` in the template)"},
		`{size: 1, mode: up}`:       {`spec.mode: "up" is none of its values (use one of slow, fast)`},
		`{size: 1, name: Aa}`:       {"spec.name: does not match ^[a-z]+$"},
		`{sise: 1}`:                 {`spec.sise: there is no such field (did you mean "size"?)`, "spec.size: is required and missing"},
		`{size: 1, labels: {a: 1}}`: {"spec.labels.a: is the number 1, want a string (put it in quotes: `| quote` in the template)"},
	} {
		got := validate(t, s, "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: x}\nspec: "+text+"\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	if _, ok := CustomKind(decode(t, deployment)); ok {
		t.Error("a Deployment passes for a definition")
	}
}

func BenchmarkFor(b *testing.B) {
	for b.Loop() {
		if _, err := read(36); err != nil {
			b.Fatal(err)
		}
	}
}
