package git

import (
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/source/tree"
)

// TestListLike: whatever a folder is compared with, what is in it is read.
func TestListLike(t *testing.T) {
	g, err := git.New(git.Options{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	repo, err := g.InitBare(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer repo.Close()
	random := rand.New(rand.NewPCG(13, 14))
	content := map[string]git.File{}
	var like []tree.Entry
	shared := 0
	for step := range 25 {
		for range 1 + random.IntN(4) {
			name := fmt.Sprintf("%02d.yaml", random.IntN(40))
			if _, there := content[name]; there && random.IntN(2) == 0 {
				delete(content, name)
				continue
			}
			content[name] = git.File{Data: fmt.Append(nil, random.IntN(5)), Mode: []git.Mode{git.ModeFile, git.ModeExec}[random.IntN(2)]}
		}
		content["always"] = git.File{Data: []byte("x"), Mode: git.ModeFile}
		id, err := repo.Commit(t.Context(), git.Commit{Branch: fmt.Sprint("b", step), Files: content, Message: "change"})
		if err != nil {
			t.Fatal(err)
		}
		root, err := repo.Object(t.Context(), id+"^{tree}")
		if err != nil {
			t.Fatal(err)
		}
		var want []tree.Entry
		for name, f := range content {
			e := tree.Entry{Name: name, Kind: tree.File, ID: fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(f.Data), f.Data)))}
			if f.Mode == git.ModeExec {
				e.Kind = tree.Exec
			}
			want = append(want, e)
		}
		tree.Sort(want)
		got, err := objects{repo}.ListLike(t.Context(), root.ID, like)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("step %d (-want +got):\n%s", step, diff)
		}
		for _, e := range got {
			if slices.Contains(like, e) {
				shared++
			}
		}
		like = got
	}
	if shared == 0 {
		t.Error("nothing was alike")
	}
}
