package schema

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// others are the names that further values files of a chart go by; the last is chart-testing's.
var others = []string{"values-*.yaml", "values-*.yml", "values.*.yaml", "values_*.yaml", "ci/*values*.yaml"}

// maxValues bounds a values file.
const maxValues = 8 << 20

// Folder makes the schema of the chart at dir's path.
func Folder(dir, chartPath string) (Result, error) {
	files, err := helm.Files(dir, chartPath)
	if err != nil {
		return Result{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Result{}, fmt.Errorf("opening chart: %w", err)
	}
	defer root.Close()
	var extra []File
	for _, pattern := range others {
		// .helmignore may leave them out of the archive: they are looked for in the folder.
		names, err := fs.Glob(root.FS(), path.Join(path.Clean(chartPath), pattern))
		if err != nil {
			return Result{}, fmt.Errorf("looking for values files: %w", err)
		}
		for _, name := range names {
			short := name
			if at := path.Clean(chartPath); at != "." {
				short = name[len(at)+1:]
			}
			if slices.ContainsFunc(extra, func(f File) bool { return f.Name == short }) {
				continue
			}
			data, err := root.ReadFile(name)
			if err != nil {
				return Result{}, fmt.Errorf("reading %s: %w", short, err)
			}
			if len(data) > maxValues {
				return Result{}, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidValues", File: short, Msg: "the values file is too large"}
			}
			extra = append(extra, File{Name: short, Data: data})
		}
	}
	return Generate(files, extra)
}
