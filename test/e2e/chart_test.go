package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// folder reads a folder of testdata as files below a path of a repository.
func (s *story) folder(from, to string) map[string]string {
	s.Helper()
	files := map[string]string{}
	root := os.DirFS(path.Join("testdata", from))
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, p)
		files[path.Join(to, p)] = string(data)
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return files
}

// chart reads a chart of testdata as files below charts/NAME, under another name.
func (s *story) chart(chart, name string) map[string]string {
	s.Helper()
	files := s.folder("charts/"+chart, "charts/"+name)
	meta := "charts/" + name + "/Chart.yaml"
	files[meta] = strings.Replace(files[meta], "name: "+chart, "name: "+name, 1)
	return files
}

// merge puts files together.
func merge(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, files := range all {
		for p, text := range files {
			out[p] = text
		}
	}
	return out
}

// helmRelease is a HelmRelease of the story's namespace whose chart is charts/CHART on main of a
// repository. values is YAML in flow style.
func (s *story) helmRelease(name, repo, chart, values string) string {
	return s.helmReleaseFrom(name, s.url(repo), "charts/"+chart, values)
}

func (s *story) helmReleaseFrom(name, url, path, values string) string {
	return fmt.Sprintf(`apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata: {name: %s, namespace: %s}
spec:
  releaseName: %s
  chart: {git: %q, ref: main, path: %q}
  timeout: 60
  values: %s
---
`, name, s.ns, name, url, path, values)
}
