package open

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/source/dir"
	"github.com/fairlead-cd/fairlead/internal/source/tree"
)

// openLocal copies a chart, and what it needs of its neighbourhood, or an archive.
func (c *Charts) openLocal(ctx context.Context, ask Ask) (model.Artifact, error) {
	at, info, err := look(ask)
	if err != nil {
		return model.Artifact{}, err
	}
	if !info.IsDir() {
		return c.openArchive(at, ask.Chart)
	}
	root := neighbourhood(at)
	rel, err := filepath.Rel(root, at)
	if err != nil {
		return model.Artifact{}, fmt.Errorf("finding chart %s: %w", ask.Chart, err)
	}
	folder := dir.New(root, tree.Limits{Files: maxFiles, Bytes: maxBytes})
	defer folder.Close()
	to, err := c.folder()
	if err != nil {
		return model.Artifact{}, err
	}
	a, _, err := folder.Copy(ctx, model.Ref{Kind: model.SourceDir, Path: filepath.ToSlash(rel)}, to)
	return a, err
}

// look finds the chart, links in its path resolved.
func look(ask Ask) (at string, info fs.FileInfo, err error) {
	name := strings.TrimSpace(ask.Chart)
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		return "", nil, &model.Error{
			Kind: model.ErrInvalid, Reason: "InvalidChart", Msg: fmt.Sprintf("%q is the URL of an archive: nothing says what it should hold", name),
			Next: "name the chart in its repository: NAME --repo URL --version VERSION",
		}
	}
	if at, err = filepath.Abs(name); err == nil {
		at, err = filepath.EvalSymlinks(at)
	}
	if err == nil {
		info, err = os.Stat(at)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, &model.Error{
			Kind: model.ErrNotFound, Reason: "ChartNotFound", Msg: fmt.Sprintf("there is no chart at %q", name),
			Next: "a chart is a folder with a Chart.yaml, a .tgz file, oci://host/path/chart, or NAME with --repo URL",
		}
	}
	if err != nil {
		return "", nil, fmt.Errorf("finding chart %s: %w", name, cause(err))
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(at, "Chart.yaml")); errors.Is(err, fs.ErrNotExist) {
			return "", nil, &model.Error{
				Kind: model.ErrNotFound, Reason: "ChartNotFound", Msg: fmt.Sprintf("%q is no chart: it holds no Chart.yaml", name),
				Next: "give the folder that holds Chart.yaml",
			}
		}
	}
	if ask.Version != "" {
		return "", nil, invalid("--version is for charts that are elsewhere; %q is here as it is", name)
	}
	return at, info, nil
}

// cause leaves out the path, which the message has already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// neighbourhood is the folder that a chart's file:// dependencies and links may lead to: the work
// tree of the repository it lies in, or else its parent.
func neighbourhood(at string) string {
	for d := at; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, ".git")); err == nil {
			return d
		}
		if filepath.Dir(d) == d {
			return filepath.Dir(at)
		}
	}
}

// openArchive copies a .tgz. What is in it the renderer checks.
func (c *Charts) openArchive(at, name string) (model.Artifact, error) {
	data, err := readFile(at, name)
	if err != nil {
		return model.Artifact{}, err
	}
	to, err := c.folder()
	if err != nil {
		return model.Artifact{}, err
	}
	const file = "chart.tgz" // the renderer goes by the ending
	if err := os.WriteFile(filepath.Join(to, file), data, 0o600); err != nil {
		return model.Artifact{}, fmt.Errorf("copying chart %s: %w", name, err)
	}
	return model.Artifact{Dir: to, Path: path.Clean(file), Digest: model.Digest([]byte("archive"), data)}, nil
}

func readFile(at, name string) ([]byte, error) {
	f, err := os.Open(at)
	if err != nil {
		return nil, fmt.Errorf("reading chart %s: %w", name, cause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxArchive+1))
	if err != nil {
		return nil, fmt.Errorf("reading chart %s: %w", name, cause(err))
	}
	if len(data) > maxArchive {
		return nil, invalid("%s is larger than %d MiB", name, maxArchive>>20)
	}
	return data, nil
}
