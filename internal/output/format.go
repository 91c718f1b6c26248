package output

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"k8s.io/client-go/util/jsonpath"
)

// Format is a value of -o.
type Format struct {
	kind string
	path *jsonpath.JSONPath
}

// The formats by name; jsonpath carries its template after "=".
const (
	FormatTable = "table"
	FormatWide  = "wide"
	FormatJSON  = "json"
	FormatYAML  = "yaml"
	FormatName  = "name"
	formatPath  = "jsonpath"
)

// ParseFormat reads a value of -o; allowed are the formats the command knows ("jsonpath" comes with
// "json"). Empty is table.
func ParseFormat(s string, allowed ...string) (Format, error) {
	if s == "" {
		s = FormatTable
	}
	kind, template, hasTemplate := strings.Cut(s, "=")
	known := false
	for _, a := range allowed {
		known = known || a == kind || a == FormatJSON && kind == formatPath
	}
	switch {
	case !known:
		return Format{}, fmt.Errorf("-o %q: want %s", s, list(allowed))
	case kind != formatPath && hasTemplate:
		return Format{}, fmt.Errorf("-o %q: %s takes no template", s, kind)
	case kind != formatPath:
		return Format{kind: kind}, nil
	case template == "":
		return Format{}, fmt.Errorf("-o %q: want jsonpath=TEMPLATE, as in jsonpath='{.items[*].name}'", s)
	}
	p := jsonpath.New("-o").AllowMissingKeys(true)
	if err := p.Parse(relax(template)); err != nil {
		return Format{}, fmt.Errorf("-o %q: %w", s, err)
	}
	return Format{kind: kind, path: p}, nil
}

func list(allowed []string) string {
	names := append([]string(nil), allowed...)
	for _, a := range allowed {
		if a == FormatJSON {
			names = append(names, "jsonpath=TEMPLATE")
		}
	}
	return strings.Join(names, ", ")
}

// relax allows what kubectl allows: "items[0].name" and ".items[0].name" for "{.items[0].name}".
func relax(template string) string {
	if strings.Contains(template, "{") {
		return template
	}
	if !strings.HasPrefix(template, ".") {
		template = "." + template
	}
	return "{" + template + "}"
}

// Is reports whether the format is the named one.
func (f Format) Is(kind string) bool { return f.kind == kind || f.kind == "" && kind == FormatTable }

// Structured reports whether the format prints a document for programs: JSON, YAML or a path of it.
func (f Format) Structured() bool {
	return f.kind == FormatJSON || f.kind == FormatYAML || f.kind == formatPath
}

// Write prints doc, which must marshal to a JSON object, in a structured format.
func (f Format) Write(w io.Writer, doc any) error {
	switch f.kind {
	case FormatJSON:
		return writeJSON(w, doc, "  ")
	case FormatYAML:
		return writeYAML(w, doc)
	case formatPath:
		return f.writePath(w, doc)
	}
	return fmt.Errorf("writing a document as %q: not a structured format", f.kind)
}

// WriteEvent prints doc as one of a stream: one line of JSON, one document of YAML.
func (f Format) WriteEvent(w io.Writer, doc any) error {
	switch f.kind {
	case FormatJSON:
		return writeJSON(w, doc, "")
	case FormatYAML:
		if _, err := io.WriteString(w, "---\n"); err != nil {
			return wrote(err)
		}
	}
	return f.Write(w, doc)
}

func (f Format) writePath(w io.Writer, doc any) error {
	b, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	if err := f.path.Execute(w, tree); err != nil {
		return fmt.Errorf("evaluating the jsonpath: %w", err)
	}
	_, err = io.WriteString(w, "\n")
	return wrote(err)
}

func wrote(err error) error {
	if err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	return nil
}
