package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	set := func(one, two string) []File {
		return []File{{Path: "a/one.yaml", Content: seal(one)}, {Path: "a/b/two", Content: seal("#!/bin/sh\n" + two), Executable: true}}
	}
	states := func(files []File) []State {
		t.Helper()
		changes, err := Compare(root, files)
		if err != nil {
			t.Fatal(err)
		}
		var out []State
		for _, c := range changes {
			out = append(out, c.State)
		}
		if err := Write(root, changes); err != nil {
			t.Fatal(err)
		}
		return out
	}
	edit := func(name, text string) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := func(got []State, want ...State) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	want(states(set("x: 1\n", "true\n")), Created, Created)
	want(states(set("x: 1\n", "true\n")), Unchanged, Unchanged)
	want(states(set("x: 2\n", "true\n")), Updated, Unchanged)
	edit("a/one.yaml", "y: 1\n")
	want(states(set("x: 2\n", "true\n")), Edited, Unchanged)
	want(states(set("x: 2\n", "true\n")), Unchanged, Unchanged)

	info, err := os.Stat(filepath.Join(dir, "a/b/two"))
	if err != nil || info.Mode().Perm()&0o111 == 0 {
		t.Errorf("the hook cannot be run: %v, %v", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "a", "*fairlead-new*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestWriteStaysInside: a link that leads out of the repository is neither read nor followed.
func TestWriteStaysInside(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := os.Symlink(outside, filepath.Join(dir, "ci")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "mine"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "ci/new"} {
		changes, err := Compare(root, []File{{Path: name, Content: "x"}})
		if err == nil {
			err = Write(root, changes)
		}
		if err == nil {
			t.Errorf("%s was written", name)
		}
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("outside there is %v, %v", entries, err)
	}
}
