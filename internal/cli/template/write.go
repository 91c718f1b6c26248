package template

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	release "helm.sh/helm/v4/pkg/release/v1"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// write puts each template's output into a file of its name below OutputDir, as Helm does: CRDs
// beside, and not in, the folder that is named like the release.
func (o *Options) write(c *model.ChartInfo, hooks []*release.Hook) error {
	if err := os.MkdirAll(o.OutputDir, 0o755); err != nil {
		return fmt.Errorf("making --output-dir: %w", err)
	}
	root, err := os.OpenRoot(o.OutputDir)
	if err != nil {
		return fmt.Errorf("opening --output-dir: %w", err)
	}
	defer root.Close()
	w := &writer{o: o, root: root, begun: map[string]bool{}}
	for _, doc := range documents(c.CRDs) {
		if err := w.put("", doc.source, doc.text); err != nil {
			return err
		}
	}
	below := ""
	if o.NameInDir {
		below = o.Name
	}
	for _, doc := range documents(c.Manifest) {
		if err := w.put(below, doc.source, doc.text); err != nil {
			return err
		}
	}
	for _, h := range hooks {
		if err := w.put(below, h.Path, "---\n# Source: "+h.Path+"\n"+h.Manifest+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// writer writes files; one that was begun is added to. A chart names its files, so none can be
// outside of the root.
type writer struct {
	o     *Options
	root  *os.Root
	begun map[string]bool
}

func (w *writer) put(below, source, text string) error {
	name := filepath.FromSlash(path.Join(below, source))
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if w.begun[name] {
		flags = os.O_WRONLY | os.O_APPEND
	}
	w.begun[name] = true
	if err := w.root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	f, err := w.root.OpenFile(name, flags, 0o644)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	_, err = f.WriteString(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return w.o.IO.Line("wrote " + filepath.Join(w.o.OutputDir, name))
}

// document is a piece of a manifest with the template it came from.
type document struct{ source, text string }

const heading = "---\n# Source: "

// documents takes apart what was put together with a heading before each piece.
func documents(manifest string) []document {
	var docs []document
	for rest := manifest; rest != ""; {
		rest = strings.TrimPrefix(rest, heading)
		piece := rest
		if i := strings.Index(rest, "\n"+heading); i >= 0 {
			piece, rest = rest[:i+1], rest[i+1:]
		} else {
			rest = ""
		}
		name, _, _ := strings.Cut(piece, "\n")
		docs = append(docs, document{source: name, text: heading + piece})
	}
	return docs
}
