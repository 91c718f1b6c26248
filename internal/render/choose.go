package render

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// choose is the renderer an artifact needs when the request leaves it open: a Chart.yaml makes it
// a chart, everything else is manifests.
func choose(asked model.Renderer, a model.Artifact) (model.Renderer, error) {
	if asked != model.RenderAuto {
		return asked, nil
	}
	at := path.Clean(filepath.ToSlash(a.Path))
	if !filepath.IsLocal(at) {
		return "", &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPath", File: a.Path, Msg: "the path leaves the source"}
	}
	if a.Files != nil {
		return model.RenderPlain, nil // charts are on disk
	}
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return "", fmt.Errorf("opening artifact: %w", err)
	}
	defer root.Close()
	if path.Ext(at) == ".tgz" {
		return model.RenderHelm, nil
	}
	_, err = root.Stat(path.Join(at, "Chart.yaml"))
	switch {
	case err == nil:
		return model.RenderHelm, nil
	case errors.Is(err, fs.ErrNotExist):
		return model.RenderPlain, nil
	}
	return "", &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPath", File: a.Path, Msg: "the path cannot be read", Err: pathCause(err)}
}

// pathCause leaves the machine's own paths out of a file error.
func pathCause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
