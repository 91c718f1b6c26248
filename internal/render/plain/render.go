package plain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

// Renderer reads folders of manifests. The zero value is ready; it is safe for concurrent use.
type Renderer struct {
	memo memo
}

// Render reads all manifests below the artifact's Path, and below the further folders that the
// release's source names; with TopLevel only those directly in them. A folder that is not there is
// an error, never an empty one. Objects without a namespace are compared as if they were in the
// release's when duplicates are looked for; they are not changed.
// Results share memory with later ones: nobody may change them.
func (r *Renderer) Render(ctx context.Context, rel model.Release, a model.Artifact) (model.Rendered, error) {
	var rendered model.Rendered
	more := rel.Source.Files
	for _, folder := range append([]string{a.Path}, more...) {
		part := a
		part.Path = folder
		if isBeside(a, folder) {
			part.Dir = a.Beside
		}
		prefix := ""
		if len(more) > 0 {
			prefix = folder // names must say which of the folders they are in
		}
		if err := r.folder(ctx, part, prefix, rel.TopLevel, &rendered); err != nil {
			return model.Rendered{}, err
		}
	}
	if err := manifest.Unique(rendered.Objects, rel.Namespace); err != nil {
		return model.Rendered{}, err
	}
	return rendered, nil
}

// isBeside reports whether a path is in the artifact's second folder.
func isBeside(a model.Artifact, name string) bool {
	if a.Beside == "" || !filepath.IsLocal(filepath.FromSlash(name)) {
		return false
	}
	_, err := os.Lstat(filepath.Join(a.Beside, filepath.FromSlash(name)))
	return err == nil
}

// folder adds the manifests of one folder.
func (r *Renderer) folder(ctx context.Context, a model.Artifact, prefix string, topLevel bool, rendered *model.Rendered) error {
	return walk(ctx, a, topLevel, &reading{memo: &r.memo, prefix: prefix, rendered: rendered})
}

// reading takes the files of a walk.
type reading struct {
	memo     *memo
	prefix   string
	rendered *model.Rendered
}

// known takes a file without its content when that was read before, and gives its length.
func (r *reading) known(name, id string) (length int64, ok bool) {
	if id == "" {
		return 0, false
	}
	was, ok := r.memo.get(memoKey{path.Join(r.prefix, name), id})
	if ok {
		r.rendered.Objects = append(r.rendered.Objects, was.objects...)
	}
	return was.length, ok
}

// file takes a file that known does not know; id is empty where nothing names the content.
func (r *reading) file(name, id string, content []byte) error {
	name = path.Join(r.prefix, name)
	key := memoKey{name, id}
	if id == "" {
		key.content = digestOf(content)
		if was, ok := r.memo.get(key); ok {
			r.rendered.Objects = append(r.rendered.Objects, was.objects...)
			return nil
		}
	}
	objects, err := decodeFile(name, content)
	if err != nil {
		return err
	}
	r.memo.put(key, objects, int64(len(content)))
	r.rendered.Objects = append(r.rendered.Objects, objects...)
	return nil
}

func decodeFile(name string, content []byte) ([]model.Object, error) {
	if base := path.Base(name); base == "kustomization.yaml" || base == "kustomization.yml" {
		return nil, &model.Error{
			Kind: model.ErrInvalid, Reason: "KustomizeNotSupported", File: name,
			Msg: "Kustomize is not supported yet", Next: "point the path at plain manifests or a Helm chart",
		}
	}
	if strings.EqualFold(path.Ext(name), ".json") {
		return decodeJSON(name, content)
	}
	var all []model.Object
	for _, doc := range manifest.Split(content) {
		objects, err := manifest.Decode(doc.Text, nil)
		if err != nil {
			return nil, manifest.At(err, name, doc.Line, doc.FirstLine())
		}
		all = append(all, placed(objects, name, doc.FirstLine())...)
	}
	return all, nil
}

// decodeJSON reads a file of JSON values one after another.
func decodeJSON(name string, content []byte) ([]model.Object, error) {
	var all []model.Object
	dec := json.NewDecoder(bytes.NewReader(content))
	for dec.More() {
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			at := int64(len(content)) // it ends too early
			if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
				at = syntax.Offset
			}
			return nil, &model.Error{
				Kind: model.ErrInvalid, Reason: "InvalidJSON", File: name, Line: lineAt(content, at),
				Msg: fmt.Sprintf("not valid JSON: %v", err),
			}
		}
		line := lineAt(content, dec.InputOffset()-int64(len(value)))
		objects, err := manifest.Decode(value, nil)
		if err != nil {
			return nil, manifest.At(err, name, line, line)
		}
		all = append(all, placed(objects, name, line)...)
	}
	return all, nil
}

func lineAt(content []byte, offset int64) int {
	return 1 + bytes.Count(content[:min(max(offset, 0), int64(len(content)))], []byte{'\n'})
}

func placed(objects []model.Object, file string, line int) []model.Object {
	for i := range objects {
		objects[i].Origin = model.Origin{File: file, Line: line}
	}
	return objects
}
