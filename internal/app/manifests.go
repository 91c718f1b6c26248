package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/cli"
	applycmd "github.com/fairlead-cd/fairlead/internal/cli/apply"
	"github.com/fairlead-cd/fairlead/internal/deploy"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render"
	"github.com/fairlead-cd/fairlead/internal/source/dir"
	"github.com/fairlead-cd/fairlead/internal/source/tree"
)

// Bounds on what is read from a folder, a file or stdin.
const (
	maxManifestFiles = 50_000
	maxManifestBytes = 64 << 20
)

// manifestDeployer reads manifests and makes what applies them.
func manifestDeployer(f *cli.Factory, e env) applycmd.OpenFunc {
	return func(ctx context.Context, files []string, recursive bool) (*deploy.Deployer, func(), error) {
		tmp, err := os.MkdirTemp("", "fairlead-apply-")
		if err != nil {
			return nil, nil, fmt.Errorf("making a folder for manifests: %w", err)
		}
		clean := func() { _ = os.RemoveAll(tmp) }
		artifact, err := gather(ctx, tmp, files, recursive, f.IO.In)
		if err != nil {
			clean()
			return nil, nil, err
		}
		d, stop, err := newDeployer(ctx, f, e, opened{artifact: artifact}, &rendering{Renderer: render.New(render.Options{})})
		if err != nil {
			clean()
			return nil, nil, err
		}
		return d, func() { stop(); clean() }, nil
	}
}

// gather copies manifests into one folder: an edit in the middle of a run does not reach it. Several
// have a folder each in it, and are read with the folders below; what was not asked for is left out here.
func gather(ctx context.Context, to string, files []string, recursive bool, stdin io.Reader) (model.Artifact, error) {
	parts := [][]byte{[]byte("manifests")}
	for i, file := range files {
		into := to
		if len(files) > 1 {
			into = filepath.Join(to, strconv.Itoa(i+1))
			if err := os.Mkdir(into, 0o700); err != nil {
				return model.Artifact{}, fmt.Errorf("making a folder for manifests: %w", err)
			}
		}
		gatherOne := gatherAll
		if len(files) > 1 && !recursive {
			gatherOne = gatherTop
		}
		digest, err := gatherOne(ctx, into, file, stdin)
		if err != nil {
			return model.Artifact{}, err
		}
		parts = append(parts, []byte(digest))
	}
	return model.Artifact{Dir: to, Path: ".", Digest: model.Digest(parts...)}, nil
}

// gatherTop is gatherAll without the folders below. A link leads where it led: also into one of them.
func gatherTop(ctx context.Context, to, file string, stdin io.Reader) (string, error) {
	all, err := os.MkdirTemp("", "fairlead-apply-")
	if err != nil {
		return "", fmt.Errorf("making a folder for manifests: %w", err)
	}
	defer os.RemoveAll(all)
	digest, err := gatherAll(ctx, all, file, stdin)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(all)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	defer root.Close()
	entries, err := os.ReadDir(all)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	for _, e := range entries {
		info, err := root.Stat(e.Name())
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", filepath.Join(file, e.Name()), err)
		}
		if !info.Mode().IsRegular() {
			continue
		}
		text, err := root.ReadFile(e.Name())
		if err == nil {
			err = os.WriteFile(filepath.Join(to, e.Name()), text, 0o600)
		}
		if err != nil {
			return "", fmt.Errorf("copying %s: %w", filepath.Join(file, e.Name()), err)
		}
	}
	return digest, nil
}

func gatherAll(ctx context.Context, to, file string, stdin io.Reader) (digest string, err error) {
	if file == "-" {
		return gatherFile(to, "stdin.yaml", file, stdin)
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", missing(file, err)
	}
	if !info.IsDir() {
		f, err := os.Open(file)
		if err != nil {
			return "", missing(file, err)
		}
		defer f.Close()
		// Who names a file means it, also one that is passed over in a folder.
		name := strings.TrimLeft(filepath.Base(file), ".")
		if name == "" || name == "Chart.yaml" {
			name = "manifest.yaml"
		}
		return gatherFile(to, name, file, f)
	}
	if err := plain(file); err != nil {
		return "", err
	}
	at, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("finding folder %s: %w", file, err)
	}
	folder := dir.New(at, tree.Limits{Files: maxManifestFiles, Bytes: maxManifestBytes})
	defer folder.Close()
	a, _, err := folder.Copy(ctx, model.Ref{Kind: model.SourceDir, Path: "."}, to)
	return a.Digest, err
}

func gatherFile(to, name, shown string, from io.Reader) (string, error) {
	if from == nil {
		return "", &model.Error{Kind: model.ErrInvalid, Reason: "InvalidManifest", Msg: "there is nothing on stdin"}
	}
	text, err := io.ReadAll(io.LimitReader(from, maxManifestBytes+1))
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", shown, err)
	}
	if len(text) > maxManifestBytes {
		return "", &model.Error{Kind: model.ErrInvalid, Reason: "InvalidManifest", File: shown, Msg: fmt.Sprintf("it is larger than %d MiB", maxManifestBytes>>20)}
	}
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".json":
	default:
		name += ".yaml"
	}
	if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
		return "", fmt.Errorf("copying %s: %w", shown, err)
	}
	return model.Digest([]byte(name), text), nil
}

func missing(file string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &model.Error{
			Kind: model.ErrNotFound, Reason: "ManifestsNotFound", Msg: fmt.Sprintf("there is no folder or file %q", file),
			Next: "check the path: it counts from the folder this command runs in",
		}
	}
	return fmt.Errorf("reading manifests: %w", err)
}

// plain refuses folders that are something else than plain manifests.
func plain(folder string) error {
	for name, next := range map[string]string{
		"Chart.yaml":         fmt.Sprintf("it is a chart: fairlead deploy RELEASE %s", folder),
		"kustomization.yaml": fmt.Sprintf("build it first: kubectl kustomize %s | fairlead apply -f - --name NAME", folder),
	} {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			return &model.Error{Kind: model.ErrInvalid, Reason: "NotPlain", Msg: fmt.Sprintf("%q holds a %s: its files are no plain manifests", folder, name), Next: next}
		}
	}
	return nil
}
