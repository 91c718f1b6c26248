package imagebuild

import (
	"context"
	"fmt"
	"net"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// pushLayout pushes the one image of an OCI layout. The layers are stored compressed, so
// the digest is the same each time, and what the registry has is not sent again.
func pushLayout(ctx context.Context, dir, image string) (string, error) {
	path, err := layout.FromPath(dir)
	if err != nil {
		return "", fmt.Errorf("opening layout: %w", err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		return "", fmt.Errorf("reading layout: %w", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", fmt.Errorf("reading layout index: %w", err)
	}
	if len(manifest.Manifests) != 1 {
		return "", fmt.Errorf("layout holds %d images, not one", len(manifest.Manifests))
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return "", fmt.Errorf("reading image: %w", err)
	}
	return push(ctx, img, image)
}

func push(ctx context.Context, img v1.Image, image string) (string, error) {
	tag, err := parseTag(image)
	if err != nil {
		return "", err
	}
	if err := remote.Write(tag, img, remote.WithContext(ctx)); err != nil {
		return "", err
	}
	digest, err := img.Digest()
	if err != nil {
		return "", fmt.Errorf("reading digest: %w", err)
	}
	return digest.String(), nil
}

// parseTag allows plain HTTP for a registry on this machine only.
func parseTag(image string) (name.Tag, error) {
	tag, err := name.NewTag(image, name.StrictValidation)
	if err != nil {
		return name.Tag{}, fmt.Errorf("parsing image name: %w", err)
	}
	if isLoopback(tag.RegistryStr()) {
		return name.NewTag(image, name.StrictValidation, name.Insecure)
	}
	return tag, nil
}

// isLoopback reports whether a registry, host:port, is on this machine.
func isLoopback(registry string) bool {
	host, _, err := net.SplitHostPort(registry)
	if err != nil {
		return false // no port: not a registry of our own
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
