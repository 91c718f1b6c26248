package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"

	"sigs.k8s.io/yaml"
)

// writeJSON prints a document. Before a guard, what could be a command is escaped: whoever parses the
// document reads what was meant, and the guard need not change it.
func writeJSON(w io.Writer, doc any, indent string) error {
	g, guarded := w.(guard)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(doc); err != nil {
		return wrote(err)
	}
	text := b.Bytes()
	if guarded {
		// "#" is nowhere but in strings, and no line of JSON begins with a colon.
		w, text = g.Plain(), bytes.ReplaceAll(text, []byte("##["), []byte(`##\u005b`))
	}
	_, err := w.Write(text)
	return wrote(err)
}

// writeYAML prints a document. Before a guard, one with what could be a command is printed as JSON,
// which is YAML too and can escape it.
func writeYAML(w io.Writer, doc any) error {
	b, err := yaml.Marshal(doc)
	if err != nil {
		return fmt.Errorf("writing YAML: %w", err)
	}
	if g, guarded := w.(guard); guarded {
		if mayCommand(b) {
			return writeJSON(w, doc, "  ")
		}
		w = g.Plain()
	}
	_, err = w.Write(b)
	return wrote(err)
}

// mayCommand reports whether GitHub's runner could find a command in a text.
func mayCommand(text []byte) bool {
	if bytes.Contains(text, []byte("##[")) {
		return true
	}
	for line := range bytes.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if bytes.HasPrefix(bytes.TrimLeftFunc(line, unicode.IsSpace), []byte("::")) {
			return true
		}
	}
	return false
}
