package pack

import (
	"context"
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/chart/open"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// Archived is a chart that is an archive already.
func Archived(charts *open.Charts, name string) (Packed, error) {
	data, err := charts.ReadArchive(name)
	if err != nil {
		return Packed{}, err
	}
	return Load(data)
}

// Load looks what is in an archive. A name or a version that could not be a file's is refused.
func Load(data []byte) (Packed, error) {
	c, err := helm.LoadArchive(data)
	if err != nil {
		return Packed{}, err
	}
	if err := c.Validate(); err != nil || !open.ValidName(FileName(c.Metadata)) {
		return Packed{}, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", File: chartFile, Msg: fmt.Sprintf("%q %q is no name and version of a chart", c.Name(), c.Metadata.Version)}
	}
	return Packed{Metadata: c.Metadata, Archive: data}, nil
}

// Pushed says where a chart is.
type Pushed struct {
	Reference string `json:"reference"` // oci://host/path/name:tag
	Digest    string `json:"digest"`    // of the manifest
	Changed   bool   `json:"changed"`   // false: it was there already
}

// Push puts a chart into a registry below to, "oci://host/path", named like the chart and its version.
func Push(ctx context.Context, charts *open.Charts, p Packed, to open.Ask, overwrite bool) (Pushed, error) {
	if !strings.HasPrefix(to.Chart, "oci://") {
		return Pushed{}, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidURL", Msg: fmt.Sprintf("%q is no registry", to.Chart), Next: "write oci://host/path; the chart's name and version are added"}
	}
	at := strings.TrimSuffix(to.Chart, "/") + "/" + p.Metadata.Name
	repo, err := charts.Registry(ctx, at, to)
	if err != nil {
		return Pushed{}, err
	}
	defer repo.Close()
	content, err := Content(p.Metadata, p.Archive)
	if err != nil {
		return Pushed{}, err
	}
	tag := Tag(p.Metadata.Version)
	digest, changed, err := repo.Push(ctx, tag, content, overwrite)
	if err != nil {
		return Pushed{}, open.ForPeople(err)
	}
	return Pushed{Reference: at + ":" + tag, Digest: digest, Changed: changed}, nil
}
