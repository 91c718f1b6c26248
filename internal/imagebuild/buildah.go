package imagebuild

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// buildah runs the buildah binary on a storage of its own, so that neither the images nor
// the configuration of the machine's user matter or are touched.
type buildah struct {
	dir    string
	driver string
	log    io.Writer
}

func newBuildah(cache string, log io.Writer) (*buildah, error) {
	b := &buildah{dir: filepath.Join(cache, "buildah"), driver: "overlay", log: log}
	if err := os.MkdirAll(filepath.Join(b.dir, "tmp"), 0o700); err != nil {
		return nil, fmt.Errorf("making buildah's directory: %w", err)
	}
	if !overlayWorks(b.dir) {
		// Copies every layer whole: slow and large, but it works on any file system.
		b.driver = "vfs"
	}
	files := map[string]string{
		"policy.json":     `{"default":[{"type":"insecureAcceptAnything"}]}` + "\n",
		"registries.conf": "unqualified-search-registries = []\n",
		// Present and empty: otherwise the machine's would be read.
		"storage.conf":    fmt.Sprintf("[storage]\ndriver = %q\ngraphroot = %q\nrunroot = %q\n", b.driver, b.root(), b.runroot()),
		"containers.conf": "",
		"auth.json":       "{}\n",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(content), 0o600); err != nil {
			return nil, fmt.Errorf("writing buildah's configuration: %w", err)
		}
	}
	return b, nil
}

func (b *buildah) root() string    { return filepath.Join(b.dir, "storage-"+b.driver) }
func (b *buildah) runroot() string { return filepath.Join(b.dir, "run-"+b.driver) }

// build builds the Dockerfile in dir. Each build makes one layer on its base: a rebuild
// after a change costs a second, and there are no intermediate layers to clean up.
func (b *buildah) build(ctx context.Context, dir string, args ...string) error {
	all := append([]string{"build", "--isolation", "chroot", "--format", "oci", "--layers=false",
		"--timestamp", "0", "--file", filepath.Join(dir, "Dockerfile"),
		"--signature-policy", filepath.Join(b.dir, "policy.json")}, args...)
	return b.run(ctx, append(all, dir)...)
}

// has reports whether the image is in the storage.
func (b *buildah) has(ctx context.Context, name string) bool {
	return b.command(ctx, "inspect", "--type", "image", name).Run() == nil
}

// export writes an image as an OCI layout. It appears at path whole or not at all.
func (b *buildah) export(ctx context.Context, name, path string) error {
	part := path + ".part"
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("clearing %s: %w", part, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making image directory: %w", err)
	}
	if err := b.run(ctx, "push", "--quiet", "--signature-policy", filepath.Join(b.dir, "policy.json"),
		name, "oci:"+part+":latest"); err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("clearing %s: %w", path, err)
	}
	return os.Rename(part, path)
}

func (b *buildah) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "buildah", append([]string{
		"--root", b.root(), "--runroot", b.runroot(), "--storage-driver", b.driver,
		"--registries-conf", filepath.Join(b.dir, "registries.conf"),
	}, args...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + b.dir,
		"TMPDIR=" + filepath.Join(b.dir, "tmp"),
		"CONTAINERS_STORAGE_CONF=" + filepath.Join(b.dir, "storage.conf"),
		"CONTAINERS_CONF=" + filepath.Join(b.dir, "containers.conf"),
		"REGISTRY_AUTH_FILE=" + filepath.Join(b.dir, "auth.json"),
	}
	return cmd
}

func (b *buildah) run(ctx context.Context, args ...string) error {
	return runLogged(b.command(ctx, args...), b.log)
}

// runLogged runs cmd, copies what it says to log, and puts the end of it into the error.
func runLogged(cmd *exec.Cmd, log io.Writer) error {
	contain(cmd)
	tail := &tailBuffer{}
	out := io.MultiWriter(log, tail)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("running %s: %w: %s", filepath.Base(cmd.Path), err, tail.last(5))
	}
	return nil
}

// tailBuffer keeps the last few kilobytes written to it.
type tailBuffer struct{ buf []byte }

func (t *tailBuffer) Write(p []byte) (int, error) {
	const most = 4096
	t.buf = append(t.buf, p...)
	if len(t.buf) > most {
		t.buf = t.buf[len(t.buf)-most:]
	}
	return len(p), nil
}

// last returns the last n lines on one line.
func (t *tailBuffer) last(n int) string {
	lines := bytes.Split(bytes.TrimSpace(t.buf), []byte("\n"))
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	var out []string
	for _, l := range lines {
		out = append(out, strings.TrimSpace(string(l)))
	}
	return strings.Join(out, " | ")
}
