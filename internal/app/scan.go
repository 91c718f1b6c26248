package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fairlead-cd/fairlead/internal/cli/scan"
	"github.com/fairlead-cd/fairlead/internal/git"
)

// openWorkTree finds the repository of a folder, with a home of git's own that is gone afterwards. Of
// git's environment only the index is handed on: "git commit -a" runs its hook with another one.
func openWorkTree(e env) scan.OpenFunc {
	return func(ctx context.Context, dir string) (*git.WorkTree, func(), error) {
		home, err := os.MkdirTemp("", "fairlead-git-")
		if err != nil {
			return nil, func() {}, fmt.Errorf("making a folder for git: %w", err)
		}
		done := func() { _ = os.RemoveAll(home) }
		o := git.Options{TempDir: home}
		if e.Index != "" {
			index, err := filepath.Abs(e.Index)
			if err != nil {
				return nil, done, fmt.Errorf("finding the index: %w", err)
			}
			o.Env = []string{"GIT_INDEX_FILE=" + index}
		}
		g, err := git.New(o)
		if err != nil {
			return nil, done, err
		}
		w, err := g.OpenWorkTree(ctx, dir)
		return w, done, err
	}
}
