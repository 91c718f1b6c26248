package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	unfinished = "tmp-" // begins the names of folders that are being written or removed
	markName   = "written-since-boot"
	// format changes when folders are written otherwise for the same digest.
	format = "1"
)

// bootID is another one after every start of the machine.
const bootID = "/proc/sys/kernel/random/boot_id"

// adopt takes over what an earlier process left, however it ended: a folder gets its name when it is
// complete. After a power failure that says nothing, for names and content reach the disk in any
// order, and half a chart looks like a smaller one. So what was written before the machine started
// is removed, or when nothing tells.
func (s *Store) adopt() error {
	mark := ""
	if id, err := os.ReadFile(bootID); err == nil {
		mark = format + " " + string(id)
	}
	file := filepath.Join(s.dir, markName)
	if was, err := os.ReadFile(file); err != nil || mark == "" || string(was) != mark {
		return s.clear(file, mark)
	}
	folders, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("reading the artifact store: %w", err)
	}
	now, done := time.Now(), make(chan struct{})
	close(done)
	for _, f := range folders {
		digest, bytes, ok := parseFolder(f)
		switch {
		case ok && s.entries[digest] == nil && holds(filepath.Join(s.dir, f.Name()), bytes):
			s.entries[digest] = &entry{ready: done, dir: filepath.Join(s.dir, f.Name()), bytes: bytes, used: now, written: true}
			s.total += bytes
		case f.Name() != markName:
			if err := os.RemoveAll(filepath.Join(s.dir, f.Name())); err != nil {
				return fmt.Errorf("clearing the artifact store: %w", err)
			}
		}
	}
	return nil
}

// clear begins with nothing.
func (s *Store) clear(file, mark string) error {
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("clearing the artifact store: %w", err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("making the artifact store: %w", err)
	}
	if mark == "" {
		return nil
	}
	if err := os.WriteFile(file, []byte(mark), 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the artifact store: %w", err)
	}
	return nil
}

// holds reports whether a folder has the size it had when it was written: a cache may be deleted at any
// time, and in part. That content is what it was is left to the folder's owner, who alone may write.
func holds(dir string, bytes int64) bool {
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes -= info.Size()
		}
		return err
	})
	return err == nil && bytes == 0
}

// folderName tells of a folder what else would have to be counted.
func folderName(digest string, bytes int64) string {
	return digest + "." + strconv.FormatInt(bytes, 10)
}

func parseFolder(f fs.DirEntry) (digest string, bytes int64, ok bool) {
	digest, size, found := strings.Cut(f.Name(), ".")
	bytes, err := strconv.ParseInt(size, 10, 64)
	return digest, bytes, found && err == nil && bytes >= 0 && digest != "" && f.IsDir() && !strings.HasPrefix(digest, unfinished)
}
