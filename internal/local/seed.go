package local

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/charts"
	"github.com/fairlead-cd/fairlead/examples"
	"github.com/fairlead-cd/fairlead/internal/git"
)

// fleetName is the fleet repository's name on the embedded Git server.
const fleetName = "fleet"

// seedFleet fills the fleet repository, unless someone has pushed to it already: what is there is
// theirs.
func seedFleet(ctx context.Context, repo *git.Repo, names map[string]string, now time.Time) error {
	head, err := repo.Head(ctx, "refs/heads/main")
	if err != nil || head != "" {
		return err
	}
	files := map[string]git.File{}
	if err := collect(files, examples.Fleet, "fleet", "", names); err != nil {
		return err
	}
	if err := collect(files, charts.FlaskApp, "flask-app", "charts/flask-app", nil); err != nil {
		return err
	}
	_, err = repo.Commit(ctx, git.Commit{
		Branch: "main", Files: files, Message: "Deliver the reference application to dev, stg and prod",
		Author: git.Signature{Name: "Fairlead", Email: "fairlead@localhost", When: now},
	})
	if err != nil {
		return fmt.Errorf("seeding the fleet repository: %w", err)
	}
	return nil
}

// collect adds the files below from, with names put in where they stand as ${NAME}.
func collect(files map[string]git.File, tree fs.FS, from, to string, names map[string]string) error {
	var pairs []string
	for name, value := range names {
		pairs = append(pairs, "${"+name+"}", value)
	}
	replacer := strings.NewReplacer(pairs...)
	return fs.WalkDir(tree, from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tree, p)
		if err != nil {
			return fmt.Errorf("reading %s: %w", p, err)
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(p, from), "/")
		files[path.Join(to, rel)] = git.File{Data: []byte(replacer.Replace(string(data)))}
		return nil
	})
}
