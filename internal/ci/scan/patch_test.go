package scan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadPatch(t *testing.T) {
	for name, tt := range map[string]struct {
		patch string
		want  []string
		err   string
	}{
		"a new file": {
			patch: "diff --git a/x b/x\nnew file mode 100644\nindex 000..111\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+one\n+two\n",
			want:  []string{"x:1 one two"},
		},
		"two hunks, one of them only removes": {
			patch: "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -3 +3 @@ func\n-a\n+b\n@@ -9,2 +8,0 @@\n-c\n-d\n@@ -20,0 +19,2 @@\n+e\n+f\n",
			want:  []string{"x:3 b", "x:19 e f"},
		},
		"content that looks like a patch": {
			patch: "commit c1 2026-01-02\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,4 @@\n++++ b/other\n+commit c2\n+@@ -1 +1 @@\n+diff --git a/y b/y\n\ncommit c3 2026-01-03\n\ndiff --git a/z b/z\n--- a/z\n+++ b/z\n@@ -1 +1 @@\n-a\n+b\n",
			want:  []string{"c1 x:1 +++ b/other commit c2 @@ -1 +1 @@ diff --git a/y b/y", "c3 z:1 b"},
		},
		"no newline at the end": {
			patch: "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n",
			want:  []string{"x:1 b"},
		},
		"names with quotes and blanks": {
			patch: "diff --git \"a/a\\tb\" \"b/a\\tb\"\n--- /dev/null\n+++ \"b/a\\tb\"\n@@ -0,0 +1 @@\n+x\ndiff --git a/c d b/c d\n--- /dev/null\n+++ b/c d\t\n@@ -0,0 +1 @@\n+y\n",
			want:  []string{"a\tb:1 x", "c d:1 y"},
		},
		"cut in the middle": {
			patch: "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,3 @@\n+one\n",
			err:   "it ends in the middle",
		},
		"binary": {patch: "diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			err := readPatch(strings.NewReader(tt.patch), 1<<20, func(a added) error {
				got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s:%d %s", a.commit, a.file, a.line, strings.ReplaceAll(strings.TrimSuffix(a.text, "\n"), "\n", " "))))
				return nil
			})
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadPatchIsBounded(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	patch := "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,3 @@\n+one\n+" + long + "\n+three\n"
	err := readPatch(strings.NewReader(patch), 1000, func(a added) error {
		if !a.cut || a.text != "one\nthree\n" {
			t.Errorf("cut %v, text of %d bytes", a.cut, len(a.text))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
