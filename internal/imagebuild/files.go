package imagebuild

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// FilesOnlyLabel marks an image that holds the build context's files and no base, and
// therefore cannot run.
const FilesOnlyLabel = "dev.fairlead.image.files-only"

// maxContext bounds a context that is put into an image as it is.
const maxContext = 64 << 20

// pushFiles makes and pushes an image of the context's files below /app.
func pushFiles(ctx context.Context, o Options) (string, error) {
	data, err := tarContext(o.ContextDir)
	if err != nil {
		return "", fmt.Errorf("packing %s: %w", o.ContextDir, err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return "", fmt.Errorf("making layer: %w", err)
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		return "", fmt.Errorf("making image: %w", err)
	}
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: runtime.GOARCH,
		Config: v1.Config{
			User: "10001:10001", WorkingDir: "/app",
			Labels: map[string]string{FilesOnlyLabel: "true"},
		},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(img)},
	})
	if err != nil {
		return "", fmt.Errorf("configuring image: %w", err)
	}
	digest, err := push(ctx, img, o.Image)
	if err != nil {
		return "", fmt.Errorf("pushing image %s: %w", o.Image, err)
	}
	return digest, nil
}

func diffIDs(img v1.Image) []v1.Hash {
	config, err := img.ConfigFile()
	if err != nil {
		return nil
	}
	return config.RootFS.DiffIDs
}

// tarContext packs the regular files below dir, without the base's, the same each time.
func tarContext(dir string) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if d.IsDir() && rel == "base" {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return nil
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("%s is neither a file nor a directory", rel)
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if buf.Len()+len(content) > maxContext {
			return fmt.Errorf("more than %d MiB", maxContext>>20)
		}
		header := &tar.Header{
			Name: path.Join("app", filepath.ToSlash(rel)), Mode: 0o644, Size: int64(len(content)),
			ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg,
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	})
	if err != nil {
		return nil, err
	}
	return buf.Bytes(), w.Close()
}
