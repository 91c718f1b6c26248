package imagebuild

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// formatVersion is part of every key; raise it when what is made of the same inputs changes.
const formatVersion = "1"

// keyOf digests everything an image is made of: the files below dir (but for the base's
// own, which are in the base's name), their modes, and what else is given.
func keyOf(dir string, more ...string) (string, error) {
	h := sha256.New()
	for _, s := range append([]string{formatVersion, runtime.GOARCH}, more...) {
		fmt.Fprintf(h, "%d:%s\n", len(s), s)
	}
	// WalkDir goes in lexical order, so the same tree has the same key.
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel == "base" {
				return filepath.SkipDir
			}
			return nil
		}
		return hashFile(h, path, rel, d)
	})
	if err != nil {
		return "", fmt.Errorf("reading build context: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

func hashFile(w io.Writer, path, rel string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is neither a file nor a directory", rel)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintf(w, "%d:%s %o %d\n", len(rel), filepath.ToSlash(rel), info.Mode().Perm()&0o111, info.Size())
	_, err = io.Copy(w, f)
	return err
}
