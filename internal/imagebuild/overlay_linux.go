package imagebuild

import (
	"os"
	"path/filepath"
	"syscall"
)

// overlayWorks tries to mount an overlay on dir's file system. Some file systems (another
// overlay, as inside a container) do not carry one.
func overlayWorks(dir string) bool {
	probe, err := os.MkdirTemp(dir, "overlay-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(probe)
	for _, d := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(probe, d), 0o700); err != nil {
			return false
		}
	}
	at := func(d string) string { return filepath.Join(probe, d) }
	opts := "lowerdir=" + at("lower") + ",upperdir=" + at("upper") + ",workdir=" + at("work")
	if err := syscall.Mount("overlay", at("merged"), "overlay", 0, opts); err != nil {
		return false
	}
	return syscall.Unmount(at("merged"), syscall.MNT_DETACH) == nil
}
