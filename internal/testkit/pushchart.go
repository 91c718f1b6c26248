package testkit

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// PushChart puts a chart's archive into a registry as "helm push" does: repository is
// "host/path/chart", version the tag, with "_" for "+".
func PushChart(ctx context.Context, repository, version string, archive []byte) error {
	tag, err := name.NewTag(repository + ":" + strings.ReplaceAll(version, "+", "_"))
	if err != nil {
		return fmt.Errorf("pushing a chart: %w", err)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")
	img, err = mutate.AppendLayers(img, static.NewLayer(archive, "application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
	if err != nil {
		return fmt.Errorf("pushing a chart: %w", err)
	}
	if err := remote.Write(tag, img, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("pushing a chart: %w", err)
	}
	return nil
}
