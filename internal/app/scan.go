package app

import (
	"context"
	"fmt"
	"os"

	"github.com/fairlead-cd/fairlead/internal/cli/scan"
	"github.com/fairlead-cd/fairlead/internal/git"
)

// openWorkTree finds the repository of a folder, with a home of git's own that is gone afterwards.
func openWorkTree() scan.OpenFunc {
	return func(ctx context.Context, dir string) (*git.WorkTree, func(), error) {
		home, err := os.MkdirTemp("", "fairlead-git-")
		if err != nil {
			return nil, func() {}, fmt.Errorf("making a folder for git: %w", err)
		}
		done := func() { _ = os.RemoveAll(home) }
		g, err := git.New(git.Options{TempDir: home})
		if err != nil {
			return nil, done, err
		}
		w, err := g.OpenWorkTree(ctx, dir)
		return w, done, err
	}
}
