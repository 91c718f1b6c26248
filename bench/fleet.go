package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/git"
	"github.com/fairlead-cd/fairlead/internal/testkit"
)

//go:embed all:chart
var chartFiles embed.FS

// Where things lie in the fleet's repository.
const (
	fleetRepo = "bench/fleet"
	chartPath = "charts/podinfo"
	branch    = "main"
)

// fleet is a Git repository with one chart and a values file for each release.
type fleet struct {
	n      int
	server *testkit.GitServer
	repo   *git.Repo
	url    string
	work   string // the same files as a folder, for tools that read no Git
	head   string

	messages []string // of each release, as Git has them now
	edition  string   // of the chart
}

func newFleet(ctx context.Context, dir string, n int) (*fleet, func(), error) {
	f := &fleet{n: n, work: filepath.Join(dir, "work"), edition: "first"}
	var err error
	if f.server, err = testkit.NewGitServer(testkit.GitOptions{Root: filepath.Join(dir, "git")}); err != nil {
		return nil, nil, err
	}
	base, stop, err := f.server.Start("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	f.url = base + "/" + fleetRepo + ".git"
	if f.repo, err = f.server.Create(ctx, fleetRepo); err != nil {
		stop()
		return nil, nil, err
	}
	files, err := chartTree()
	if err != nil {
		stop()
		return nil, nil, err
	}
	for i := range n {
		f.messages = append(f.messages, fmt.Sprintf("release %d", i))
		files[valuesPath(i)] = values(f.messages[i])
	}
	if err := f.commit(ctx, "Begin the fleet", files); err != nil {
		stop()
		return nil, nil, err
	}
	return f, stop, nil
}

// chartTree is the chart's files by their path in the repository.
func chartTree() (map[string]string, error) {
	files := map[string]string{}
	err := fs.WalkDir(chartFiles, "chart", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := chartFiles.ReadFile(name)
		files[path.Join(chartPath, strings.TrimPrefix(name, "chart/"))] = string(data)
		return err
	})
	return files, err
}

// commit changes files of the repository and of the folder.
func (f *fleet) commit(ctx context.Context, message string, files map[string]string) error {
	c := git.Commit{Branch: branch, Message: message, Files: map[string]git.File{}}
	for name, text := range files {
		c.Files[name] = git.File{Data: []byte(text)}
		file := filepath.Join(f.work, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	var err error
	f.head, err = f.repo.Commit(ctx, c)
	return err
}

// touch gives one release another message.
func (f *fleet) touch(ctx context.Context, i int, message string) error {
	f.messages[i] = message
	return f.commit(ctx, "Change "+releaseName(i), map[string]string{valuesPath(i): values(message)})
}

// reissue changes the chart, and with it every release.
func (f *fleet) reissue(ctx context.Context, edition string) error {
	data, err := chartFiles.ReadFile("chart/values.yaml")
	if err != nil {
		return err
	}
	f.edition = edition
	text := strings.Replace(string(data), "edition: first", "edition: "+edition, 1)
	return f.commit(ctx, "Change the chart", map[string]string{path.Join(chartPath, "values.yaml"): text})
}

func releaseName(i int) string { return fmt.Sprintf("b%05d", i) }

func valuesPath(i int) string { return "values/" + releaseName(i) + ".yaml" }

func values(message string) string { return fmt.Sprintf("message: %q\n", message) }
