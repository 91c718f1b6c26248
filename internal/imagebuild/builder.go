package imagebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Builder builds images. The zero value is ready to use; one Builder, or several with the
// same CacheDir, must not build at the same time.
type Builder struct{}

// Options says what to build.
type Options struct {
	// ContextDir holds the Dockerfile and what it copies. When BaseImage is empty and the
	// machine can build, base/debian.yaml and base/Dockerfile in it describe the base.
	ContextDir string
	// Image is the name to push to: host:port/name:tag.
	Image string
	// BaseImage is the BASE_IMAGE argument of the Dockerfile. Empty means the base made
	// from Debian packages. An image named here is pulled by buildah.
	BaseImage string
	// CacheDir keeps bases and images between builds. It can be removed at any time.
	CacheDir string
	// Log receives progress, one line at a time; nil discards it.
	Log io.Writer
}

// Build builds the image, unless CacheDir has it already, pushes it, and returns its
// digest ("sha256:..."). Building the base takes a minute or so the first time.
func (b *Builder) Build(ctx context.Context, o Options) (string, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	cache, err := filepath.Abs(o.CacheDir)
	if err != nil {
		return "", fmt.Errorf("locating cache %q: %w", o.CacheDir, err)
	}
	o.CacheDir = cache
	if err := os.MkdirAll(o.CacheDir, 0o700); err != nil {
		return "", fmt.Errorf("making cache directory: %w", err)
	}
	if ok, why := CanBuild(o.BaseImage == ""); !ok {
		fmt.Fprintf(o.Log, "image %s: the files of %s alone, on no base: %s. It can be deployed to a simulated node and cannot run.\n",
			o.Image, filepath.Base(o.ContextDir), why)
		return pushFiles(ctx, o)
	}
	layout, err := b.ensureImage(ctx, o)
	if err != nil {
		return "", fmt.Errorf("building image %s: %w", o.Image, err)
	}
	digest, err := pushLayout(ctx, layout, o.Image)
	if err != nil {
		return "", fmt.Errorf("pushing image %s: %w", o.Image, err)
	}
	fmt.Fprintf(o.Log, "image %s pushed as %s\n", o.Image, digest)
	return digest, nil
}

// CanBuild reports whether this machine can build an image that runs, and if not, why and
// what to install. withBase says whether the base has to be made too.
func CanBuild(withBase bool) (bool, string) {
	if runtime.GOOS != "linux" {
		return false, "images are built on Linux only"
	}
	if os.Geteuid() != 0 {
		return false, "building needs root"
	}
	need := []string{"buildah"}
	if withBase {
		need = append(need, "debootstrap", "dpkg-deb")
	}
	var missing []string
	for _, tool := range need {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		return false, fmt.Sprintf("%s not found (apt-get install %s)",
			strings.Join(missing, " and "), strings.ReplaceAll(strings.Join(missing, " "), "dpkg-deb", "dpkg"))
	}
	return true, ""
}

// ensureImage returns the OCI layout that holds the image, built if it is not there yet.
func (b *Builder) ensureImage(ctx context.Context, o Options) (string, error) {
	run, err := newBuildah(o.CacheDir, o.Log)
	if err != nil {
		return "", err
	}
	base, key := o.BaseImage, ""
	if base == "" {
		if base, err = ensureBase(ctx, run, o); err != nil {
			return "", fmt.Errorf("making the base: %w", err)
		}
		// A base named by a tag may change under its name, so only an image on our own
		// base, which is named by its inputs, can be known without building it.
		if key, err = keyOf(o.ContextDir, base); err != nil {
			return "", err
		}
	}
	layout := filepath.Join(o.CacheDir, "images", key)
	if key != "" {
		if _, err := os.Stat(layout); err == nil {
			fmt.Fprintf(o.Log, "image %s: unchanged since it was built\n", o.Image)
			return layout, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("looking for a built image: %w", err)
		}
	} else {
		layout = filepath.Join(o.CacheDir, "images", "on-named-base")
	}
	fmt.Fprintf(o.Log, "image %s: building on %s\n", o.Image, base)
	const built = "localhost/fairlead/build:latest"
	args := []string{"--build-arg", "BASE_IMAGE=" + base, "--tag", built}
	if o.BaseImage == "" {
		args = append(args, "--pull-never")
	} else if ref, err := name.ParseReference(o.BaseImage); err == nil && isLoopback(ref.Context().RegistryStr()) {
		args = append(args, "--tls-verify=false")
	}
	if err := run.build(ctx, o.ContextDir, args...); err != nil {
		return "", err
	}
	return layout, run.export(ctx, built, layout)
}
