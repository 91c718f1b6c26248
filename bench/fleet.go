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
	fleetRepo    = "bench/fleet"
	chartPath    = "charts/podinfo"
	releasesPath = "releases" // of requests, where they are in Git
	branch       = "main"
)

// fleet is what releases are made from: a Git repository with one chart and a file for each release,
// and the same chart in a registry.
type fleet struct {
	n        int
	server   *testkit.GitServer
	repo     *git.Repo
	url      string
	work     string // the same files as a folder, for tools that read no Git
	head     string
	reissued string // the commit that changed the chart last
	registry *testkit.Registry
	charts   string // host and path of the charts in it
	pushes   int64  // requests to it of this program

	messages []string // of each release, as Git has them now
	edition  string   // of the chart

	// file is the one that a change of release i is written to.
	file func(f *fleet, i int) (name, text string)
}

func newFleet(ctx context.Context, dir string, n int) (f *fleet, stop func(), err error) {
	f = &fleet{n: n, work: filepath.Join(dir, "work"), edition: "first", file: valuesFile}
	var stops []func()
	stopAll := func() {
		for _, s := range stops {
			s()
		}
	}
	defer func() {
		if err != nil {
			stopAll()
		}
	}()
	if f.server, err = testkit.NewGitServer(testkit.GitOptions{Root: filepath.Join(dir, "git")}); err != nil {
		return nil, nil, err
	}
	base, end, err := f.server.Start("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	stops = append(stops, end)
	f.url = base + "/" + fleetRepo + ".git"
	if f.repo, err = f.server.Create(ctx, fleetRepo); err != nil {
		return nil, nil, err
	}
	if f.registry, err = testkit.NewRegistry(""); err != nil {
		return nil, nil, err
	}
	if base, end, err = f.registry.Start("127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	stops = append(stops, end)
	f.charts = strings.TrimPrefix(base, "http://") + "/charts"
	return f, stopAll, f.begin(ctx)
}

// begin makes the first commit.
func (f *fleet) begin(ctx context.Context) error {
	files, err := chartTree()
	if err != nil {
		return err
	}
	files[path.Join(releasesPath, "README.md")] = "What is asked for.\n"
	for i := range f.n {
		f.messages = append(f.messages, fmt.Sprintf("release %d", i))
	}
	f.addReleases(files)
	if err := f.commit(ctx, "Begin the fleet", files); err != nil {
		return err
	}
	return f.publish(ctx)
}

// publish puts the chart as it is now into the registry.
func (f *fleet) publish(ctx context.Context) error {
	archive, name, version, err := testkit.PackChart(filepath.Join(f.work, filepath.FromSlash(chartPath)))
	if err != nil {
		return err
	}
	before := f.registry.Requests()
	err = testkit.PushChart(ctx, f.charts+"/"+name, version, archive)
	f.pushes += f.registry.Requests() - before
	return err
}

// registryRequests are those of others.
func (f *fleet) registryRequests() int64 { return f.registry.Requests() - f.pushes }

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
	name, text := f.file(f, i)
	return f.commit(ctx, "Change "+releaseName(i), map[string]string{name: text})
}

// ask writes the files of all releases anew: requests, where those are in Git.
func (f *fleet) ask(ctx context.Context) error {
	files := map[string]string{}
	f.addReleases(files)
	return f.commit(ctx, "Ask for releases", files)
}

func (f *fleet) addReleases(files map[string]string) {
	for i := range f.n {
		name, text := f.file(f, i)
		files[name] = text
	}
}

// reissue changes the chart to its next version, and with it every release.
func (f *fleet) reissue(ctx context.Context, edition string) error {
	files, err := chartTree()
	if err != nil {
		return err
	}
	changed := map[string]string{}
	for name, replace := range map[string][2]string{
		"values.yaml": {"edition: first", "edition: " + edition},
		"Chart.yaml":  {"version: 1.0.0", "version: 1.1.0"},
	} {
		name = path.Join(chartPath, name)
		changed[name] = strings.Replace(files[name], replace[0], replace[1], 1)
	}
	f.edition = edition
	if err := f.commit(ctx, "Change the chart", changed); err != nil {
		return err
	}
	f.reissued = f.head
	return f.publish(ctx)
}

func releaseName(i int) string { return fmt.Sprintf("b%05d", i) }

func valuesPath(i int) string { return "values/" + releaseName(i) + ".yaml" }

func valuesFile(f *fleet, i int) (name, text string) {
	return valuesPath(i), fmt.Sprintf("message: %q\n", f.messages[i])
}
