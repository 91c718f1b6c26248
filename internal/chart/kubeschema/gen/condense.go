package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// document is the form of the files; ../load.go reads it.
type document struct {
	Generated string                `json:"generated"` // says that and from what
	Version   string                `json:"version"`
	Kinds     map[string]kind       `json:"kinds"` // by "apps/v1/Deployment"
	Types     map[string]objectType `json:"types"`
}

type kind struct {
	Type       string `json:"t"`
	Namespaced bool   `json:"n,omitempty"`
}

type objectType struct {
	Fields   map[string]string `json:"f,omitempty"` // a type in the notation of ../notation.go
	Required []string          `json:"r,omitempty"`
	Scalar   string            `json:"s,omitempty"` // instead of fields: what the type is
}

// schema is as much of an OpenAPI v3 schema as Kubernetes uses for its own kinds.
type schema struct {
	Type       string             `json:"type"`
	Format     string             `json:"format"`
	Ref        string             `json:"$ref"`
	AllOf      []schema           `json:"allOf"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
	Items      *schema            `json:"items"`
	Additional *schema            `json:"additionalProperties"`
	Default    any                `json:"default"`
	MapKeys    []string           `json:"x-kubernetes-list-map-keys"`
	Kinds      []gvk              `json:"x-kubernetes-group-version-kind"`
}

type gvk struct{ Group, Version, Kind string }

func (g gvk) String() string {
	if g.Group == "" {
		return g.Version + "/" + g.Kind
	}
	return g.Group + "/" + g.Version + "/" + g.Kind
}

// operation is one method of a path.
type operation struct {
	Action string `json:"x-kubernetes-action"`
	Kind   *gvk   `json:"x-kubernetes-group-version-kind"`
}

type spec struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

func condense(version, module string) (*document, error) {
	d := &document{
		Generated: "by internal/chart/kubeschema/gen from k8s.io/kubernetes@" + version + ": do not edit",
		Version:   strings.TrimPrefix(version, "v"), Kinds: map[string]kind{}, Types: map[string]objectType{},
	}
	enums, err := readEnums(filepath.Join(module, "pkg/generated/openapi/zz_generated.openapi.go"))
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(module, "api/openapi-spec/v3/*_openapi.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no documents in %s (%w)", module, err)
	}
	all := map[string]*schema{}
	created := map[gvk]bool{} // whether namespaced
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		var s spec
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, fmt.Errorf("parsing %s: %w", f, err)
		}
		for name, t := range s.Components.Schemas {
			all[name] = t
		}
		if err := creatable(s, created); err != nil {
			return nil, fmt.Errorf("reading paths of %s: %w", f, err)
		}
	}
	for name, t := range all {
		for _, k := range t.Kinds {
			if namespaced, ok := created[k]; ok {
				d.Kinds[k.String()] = kind{Type: short(name), Namespaced: namespaced}
				d.reach(name, all, enums)
			}
		}
	}
	return d, nil
}

// creatable collects the kinds that can be posted to a collection; subresources and lists cannot.
func creatable(s spec, into map[gvk]bool) error {
	for p, methods := range s.Paths {
		raw, ok := methods["post"]
		if !ok || strings.HasSuffix(p, "}") || strings.Contains(p, "{name}") {
			continue
		}
		var op operation
		if err := json.Unmarshal(raw, &op); err != nil {
			return err
		}
		if op.Kind != nil && op.Action == "post" {
			into[*op.Kind] = into[*op.Kind] || strings.Contains(p, "/namespaces/{namespace}/")
		}
	}
	return nil
}

// reach adds a type and all that it leads to.
func (d *document) reach(name string, all map[string]*schema, enums map[string][]string) {
	if _, ok := d.Types[short(name)]; ok {
		return
	}
	s := all[name]
	var t objectType
	if scalar := scalarOf(name, s); scalar != "" {
		d.Types[short(name)] = objectType{Scalar: scalar}
		return
	}
	d.Types[short(name)] = t // ends the recursion of types that hold themselves
	t.Fields = map[string]string{}
	for field, p := range s.Properties {
		t.Fields[field] = d.notation(p, enums[name+"."+field], all, enums)
	}
	for _, r := range s.Required {
		if !defaulted(name, r, s.Properties[r]) {
			t.Required = append(t.Required, r)
		}
	}
	slices.Sort(t.Required)
	d.Types[short(name)] = t
}

// defaulted are required fields that the API server fills in when they are missing.
func defaulted(name, field string, s *schema) bool {
	if strings.HasPrefix(name, "io.k8s.api.rbac.") && field == "apiGroup" {
		return true // SetDefaults_RoleBinding (pkg/apis/rbac/v1/defaults.go)
	}
	if s == nil {
		return false
	}
	switch v := s.Default.(type) {
	case string:
		return v != ""
	case float64:
		return v != 0
	case bool:
		return v
	}
	return false
}

// scalarOf is the notation of types that are no objects with fields.
func scalarOf(name string, s *schema) string {
	switch {
	case s == nil, strings.HasSuffix(name, ".JSON"), strings.Contains(name, ".JSONSchemaPropsOr"):
		return "*"
	case strings.HasSuffix(name, ".Quantity"):
		return "q"
	case strings.HasSuffix(name, ".IntOrString"):
		return "x"
	case s.Format == "date-time":
		return "t"
	case s.Type == "object" && len(s.Properties) == 0:
		return "o"
	}
	return ""
}

// notation writes the type of a field down: see ../notation.go.
func (d *document) notation(s *schema, enum []string, all map[string]*schema, enums map[string][]string) string {
	if len(s.AllOf) == 1 {
		s = &s.AllOf[0]
	}
	switch {
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, "#/components/schemas/")
		d.reach(name, all, enums)
		return "@" + short(name)
	case s.Type == "array":
		return "[" + strings.Join(s.MapKeys, ",") + "]" + d.notation(s.Items, enum, all, enums)
	case s.Type == "object" && s.Additional != nil:
		return "{}" + d.notation(s.Additional, enum, all, enums)
	case s.Type == "object":
		return "o"
	case s.Type == "string" && s.Format == "byte":
		return "B"
	case s.Type == "string" && len(enum) > 0:
		return "s=" + strings.Join(enum, ",")
	case s.Type == "string":
		return "s"
	case s.Type == "integer" && s.Format == "int32":
		return "i"
	case s.Type == "integer":
		return "l"
	case s.Type == "number":
		return "n"
	case s.Type == "boolean":
		return "b"
	}
	return "*"
}

// short makes the names of types shorter.
func short(name string) string {
	for _, p := range []string{"io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s.apimachinery.pkg.", "io.k8s.apiextensions-apiserver.pkg.apis.", "io.k8s.kube-aggregator.pkg.apis."} {
		if rest, ok := strings.CutPrefix(name, p); ok {
			return rest
		}
	}
	return name
}
