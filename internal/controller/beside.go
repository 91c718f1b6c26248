package controller

import (
	"path"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// valuesBeside are the values files of a release that lie in its repository but not below its chart.
// They belong to its artifact: a commit that touches one of them is one that touches the release.
func valuesBeside(ref model.Ref, layers []model.ValuesLayer) []string {
	if ref.Kind != model.SourceGit {
		return nil
	}
	var files []string
	for i := range layers {
		name := layers[i].File
		if name == "" || strings.Contains(name, "://") {
			continue
		}
		if full := path.Join(ref.Path, name); !within(ref.Path, full) {
			files = append(files, full)
		}
	}
	return files
}

// within reports whether a path is below dir, both slash-separated and below the same root.
func within(dir, p string) bool {
	dir = path.Clean(dir)
	return dir == "." || p == dir || strings.HasPrefix(p, dir+"/")
}
