package helm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

const (
	schemaFile = "values.schema.json"
	// schemaURL is the one Helm compiles schemas under, so that a chart's references to it resolve.
	schemaURL = "file:///values.schema.json"
	// maxViolations are told at once.
	maxViolations = 5
)

// validate checks values against the schemas of the chart and its subcharts. Helm's own validation
// (pkg/chart/common/util, ValidateAgainstSingleSchema) would follow references to files and hosts.
func validate(c *chart.Chart, values map[string]any, charts *Recent) error {
	v := &validation{charts: charts}
	if err := v.tree(c, values, "", ""); err != nil {
		return err
	}
	if len(v.found) == 0 {
		return nil
	}
	more := ""
	if len(v.found) > maxViolations {
		more = fmt.Sprintf("; and %d more", len(v.found)-maxViolations)
		v.found = v.found[:maxViolations]
	}
	return &model.Error{
		Kind: model.ErrInvalid, Reason: "SchemaViolation", File: v.file,
		Msg: strings.Join(v.found, "; ") + more, Next: "change the values, or the schema",
	}
}

// validation collects violations as "path: what is wrong"; file is the first schema that has any.
type validation struct {
	charts *Recent
	found  []string
	file   string
}

// tree validates a chart and its subcharts; dir and at are where the chart's files and values are.
func (v *validation) tree(c *chart.Chart, values map[string]any, dir, at string) error {
	if c.Schema != nil {
		violations, err := v.one(c.Schema, values, dir+schemaFile, at)
		if err != nil {
			return err
		}
		if len(violations) > 0 && v.file == "" {
			v.file = dir + schemaFile
		}
		v.found = append(v.found, violations...)
	}
	for _, sub := range c.Dependencies() {
		raw, ok := values[sub.Name()]
		if !ok || raw == nil {
			continue
		}
		subValues, ok := raw.(map[string]any)
		if !ok {
			v.found = append(v.found, fmt.Sprintf("%s%s: got %T, want a map", at, sub.Name(), raw))
			continue
		}
		if err := v.tree(sub, subValues, dir+"charts/"+sub.Name()+"/", at+sub.Name()+"."); err != nil {
			return err
		}
	}
	return nil
}

func (v *validation) one(text []byte, values map[string]any, file, at string) (violations []string, err error) {
	defer func() {
		if r := recover(); r != nil { // the library panics on some schemas; Helm recovers here too
			err = schemaError(file, fmt.Errorf("%v", r))
		}
	}()
	schema, err := v.charts.schema(text)
	if err != nil {
		return nil, schemaError(file, err)
	}
	err = schema.Validate(values)
	if err == nil {
		return nil, nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return nil, schemaError(file, err)
	}
	violations = leaves(invalid, at, parsed(text), nil)
	slices.Sort(violations)
	return slices.Compact(violations), nil
}

func compile(text []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(sealed{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	return c.Compile(schemaURL)
}

// sealed loads nothing: a schema that reaches for files or hosts is refused. References to URNs,
// which cannot be loaded by anyone, allow everything, as in Helm.
type sealed struct{}

func (sealed) Load(url string) (any, error) {
	if strings.HasPrefix(url, "urn:") {
		return true, nil
	}
	return nil, errOutside
}

var errOutside = errors.New("references to other files and hosts are not followed")

func schemaError(file string, err error) error {
	e := &model.Error{Kind: model.ErrInvalid, Reason: "InvalidSchema", File: file, Msg: "not a usable JSON schema", Err: errors.New(manifest.OneLine(err.Error()))}
	var load *jsonschema.LoadURLError
	if errors.As(err, &load) {
		e.Next = "put the referenced schema under $defs in " + schemaFile
	}
	return e
}

var english = message.NewPrinter(language.English)

// leaves are the violations at the ends of the tree: the branches above only say that something
// below is wrong.
func leaves(v *jsonschema.ValidationError, at string, schema any, into []string) []string {
	if len(v.Causes) == 0 {
		k, unknown := v.ErrorKind.(*kind.AdditionalProperties)
		if unknown {
			slices.Sort(k.Properties) // they come in the order of a map
		}
		what := v.ErrorKind.LocalizedString(english)
		if unknown {
			what += suggestion(schema, v.SchemaURL, k.Properties)
		}
		return append(into, valuePath(at, v.InstanceLocation)+": "+manifest.OneLine(what))
	}
	for _, c := range v.Causes {
		into = leaves(c, at, schema, into)
	}
	return into
}

func valuePath(at string, location []string) string {
	p := strings.TrimSuffix(at+strings.Join(location, "."), ".")
	if p == "" {
		return "values"
	}
	return p
}

// Violations says what values break in a schema, as a release would be told; the error is of a schema
// that cannot be used.
func Violations(text []byte, values map[string]any) ([]string, error) {
	return (&validation{}).one(text, values, schemaFile, "")
}
