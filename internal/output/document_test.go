package output

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// guarded marks what went through it.
type guarded struct{ w io.Writer }

// Write is part of io.Writer.
func (g guarded) Write(p []byte) (int, error) { return g.w.Write(append([]byte("guarded:"), p...)) }

// Plain gives the writer behind.
func (g guarded) Plain() io.Writer { return g.w }

// A document for programs says the same in a build of GitHub's as anywhere, and holds no command.
func TestWriteGuarded(t *testing.T) {
	doc := map[string]any{
		"a": "x ##[add-mask]x ###[b] #[c]", "b": "one\n::error::two\n", "c": "\u00a0::error::three", "d": []any{"##["},
	}
	for kind, parse := range map[string]func([]byte, any) error{
		FormatJSON: json.Unmarshal,
		FormatYAML: func(b []byte, v any) error { return yaml.Unmarshal(b, v) },
	} {
		for name, write := range map[string]func(Format, io.Writer, any) error{"a document": Format.Write, "an event": Format.WriteEvent} {
			var b bytes.Buffer
			if err := write(Format{kind: kind}, guarded{&b}, doc); err != nil {
				t.Fatal(err)
			}
			text := strings.TrimPrefix(strings.TrimPrefix(b.String(), "guarded:"), "---\n")
			if mayCommand([]byte(text)) {
				t.Errorf("%s as %s holds a command:\n%s", name, kind, text)
			}
			var got map[string]any
			if err := parse([]byte(text), &got); err != nil {
				t.Fatalf("%s as %s: %v\n%s", name, kind, err, text)
			}
			if diff := cmp.Diff(doc, got); diff != "" {
				t.Errorf("%s as %s: %s", name, kind, diff)
			}
		}
	}
	var b bytes.Buffer
	if err := (Format{kind: FormatYAML}).Write(guarded{&b}, map[string]any{"a": "b"}); err != nil || b.String() != "a: b\n" {
		t.Errorf("harmless YAML becomes %q, %v", b.String(), err)
	}
}

func TestData(t *testing.T) {
	var b bytes.Buffer
	if s := NewBuffers(guarded{&b}, io.Discard, Env{}); s.Data() != io.Writer(&b) {
		t.Error("data is guarded")
	}
	if s := NewBuffers(&b, io.Discard, Env{}); s.Data() != io.Writer(&b) {
		t.Error("data goes elsewhere")
	}
}
