package pipeline

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// State says how a file stands to what a repository has.
type State string

// The states.
const (
	Created   State = "created"   // it was not there
	Updated   State = "updated"   // it was as a former run had written it
	Unchanged State = "unchanged" // it is there already
	Edited    State = "edited"    // someone changed it, or wrote it themselves
	Replaced  State = "replaced"  // someone's own was replaced, as asked
)

// Change is one file and how it stands.
type Change struct {
	File
	State State
	Old   string // what is there; empty when nothing is
}

// Compare reads what the repository has. Nothing is changed.
func Compare(root *os.Root, files []File) ([]Change, error) {
	var out []Change
	for _, f := range files {
		old, ok, err := existing(root, f.Path)
		if err != nil {
			return nil, err
		}
		c := Change{File: f, Old: old}
		switch {
		case !ok:
			c.State = Created
		case old == f.Content:
			c.State = Unchanged
		case intact(old):
			c.State = Updated
		default:
			c.State = Edited
		}
		out = append(out, c)
	}
	return out, nil
}

// existing is a file's content and whether it is there. What is no file, or too large, is an error:
// it must not be replaced by mistake.
func existing(root *os.Root, name string) (string, bool, error) {
	info, err := root.Lstat(filepath.FromSlash(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		return "", false, fmt.Errorf("reading %s: %w", name, err)
	}
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return "", false, fmt.Errorf("reading %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = errors.New("it is larger than 1 MiB")
	}
	if err != nil {
		return "", false, fmt.Errorf("reading %s: %w", name, err)
	}
	return string(data), true, nil
}

// Write writes what differs. Each file is written whole or not at all.
func Write(root *os.Root, changes []Change) error {
	for _, c := range changes {
		if c.State == Unchanged {
			continue
		}
		if err := write(root, c.File); err != nil {
			return fmt.Errorf("writing %s: %w", c.Path, err)
		}
	}
	return nil
}

func write(root *os.Root, f File) error {
	name := filepath.FromSlash(f.Path)
	if err := root.MkdirAll(filepath.FromSlash(path.Dir(f.Path)), 0o755); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if f.Executable {
		mode = 0o755
	}
	part := name + ".fairlead-new"
	if err := root.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer root.Remove(part) // it is gone when all went well
	w, err := root.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, f.Content)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return root.Rename(part, name)
}
