package pack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// Options say how a chart is packed.
type Options struct {
	Version, AppVersion string // empty: as they are
	Update              bool   // fetch dependencies
}

// Packed is a chart's archive.
type Packed struct {
	Metadata *chart.Metadata
	Archive  []byte
}

// Folder packs the chart in a folder of this machine. ask's credential is for the repositories of its
// dependencies.
func Folder(ctx context.Context, charts *open.Charts, ask open.Ask, o Options) (Packed, error) {
	if ask.Remote() {
		return Packed{}, notHere(ask.Chart)
	}
	a, err := charts.Open(ctx, ask)
	if err != nil {
		return Packed{}, err
	}
	if filepath.Ext(a.Path) == ".tgz" {
		return Packed{}, notHere(ask.Chart)
	}
	var fetch Fetch
	if o.Update {
		fetch = func(ctx context.Context, repository, name, version string) ([]byte, error) {
			data, _, err := charts.Archive(ctx, open.Ask{Chart: name, Repo: repository, Version: version, Auth: ask.Auth, PlainHTTP: ask.PlainHTTP})
			return data, err
		}
	}
	files, _, err := Read(ctx, a.Dir, a.Path, fetch)
	if err != nil {
		return Packed{}, err
	}
	if files, err = SetVersion(files, o.Version, o.AppVersion); err != nil {
		return Packed{}, err
	}
	c, err := helm.LoadFiles(files)
	if err != nil {
		return Packed{}, err
	}
	if err := c.Validate(); err != nil {
		return Packed{}, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", File: chartFile, Msg: err.Error()}
	}
	data, err := Archive(c.Name(), files)
	return Packed{Metadata: c.Metadata, Archive: data}, err
}

func notHere(name string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", Msg: fmt.Sprintf("%q is no folder of a chart", name), Next: "give the folder that holds Chart.yaml"}
}

// WriteFile writes a file that is there as a whole or not at all.
func WriteFile(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".fairlead-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
