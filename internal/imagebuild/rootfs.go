package imagebuild

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// mergedDirs are the top-level directories that Debian keeps as links into /usr. Packages
// of bookworm still ship files below them.
var mergedDirs = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// writeRootfs writes one tar of the files of all packages, without what drop names, laid
// out with a merged /usr. The packages' scripts are not run.
func writeRootfs(ctx context.Context, file string, debs, drop []string) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := &rootfs{w: tar.NewWriter(f), drop: drop, dirs: map[string]bool{}}
	for _, d := range []string{"bin", "sbin", "lib", "lib64"} {
		if err := r.w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: d, Linkname: "usr/" + d, Mode: 0o777}); err != nil {
			return err
		}
	}
	for _, d := range []struct {
		name string
		mode int64
	}{{"app", 0o755}, {"dev", 0o755}, {"proc", 0o555}, {"sys", 0o555}, {"tmp", 0o1777}, {"usr/lib64", 0o755}} {
		if err := r.dir(d.name, d.mode); err != nil {
			return err
		}
	}
	for _, deb := range debs {
		if err := r.addDeb(ctx, deb); err != nil {
			return fmt.Errorf("unpacking %s: %w", filepath.Base(deb), err)
		}
	}
	return r.w.Close()
}

type rootfs struct {
	w    *tar.Writer
	drop []string
	dirs map[string]bool
}

func (r *rootfs) dir(name string, mode int64) error {
	if r.dirs[name] {
		return nil
	}
	r.dirs[name] = true
	return r.w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode})
}

// addDeb copies one package's file system archive. dpkg-deb knows the formats and
// compressions of packages; the archive it gives is plain.
func (r *rootfs) addDeb(ctx context.Context, deb string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := r.copyTar(out); err != nil {
		cancel()
		_ = cmd.Wait()
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return nil
}

func (r *rootfs) copyTar(in io.Reader) error {
	tr := tar.NewReader(in)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			// Drain what pads the archive, or its writer dies of a broken pipe.
			_, err = io.Copy(io.Discard, in)
			return err
		}
		if err != nil {
			return err
		}
		name := mergeUsr(path.Clean("/" + h.Name)[1:])
		if name == "" || r.dropped(name) {
			continue
		}
		if h.Typeflag == tar.TypeDir {
			if err := r.dir(name, h.Mode); err != nil {
				return err
			}
			continue
		}
		h.Name = name
		if h.Typeflag == tar.TypeLink {
			h.Linkname = mergeUsr(path.Clean("/" + h.Linkname)[1:])
		}
		if err := r.w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(r.w, tr); err != nil {
			return err
		}
	}
}

// mergeUsr moves a path below one of the merged directories into usr.
func mergeUsr(name string) string {
	first, _, _ := strings.Cut(name, "/")
	for _, d := range mergedDirs {
		if first == d {
			return "usr/" + name
		}
	}
	return name
}

// dropped reports whether name or a directory above it matches a pattern.
func (r *rootfs) dropped(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		for _, pattern := range r.drop {
			if ok, err := path.Match(pattern, name); err == nil && ok {
				return true
			}
		}
	}
	return false
}
