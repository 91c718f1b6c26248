package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Bounds on a chart, before Helm sees it.
const (
	maxChartSize  = 48 << 20
	maxChartFiles = 10_000
	maxDepth      = 32
)

var utf8BOM = []byte{0xEF, 0xBB, 0xBF}

// Load reads the chart at dir's path: a folder, or an archive as `helm package` makes it. Nothing
// outside of dir is read, also not through links.
func Load(dir, chartPath string) (*chart.Chart, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening artifact: %w", err)
	}
	defer root.Close()
	return load(root, chartPath)
}

func load(root *os.Root, chartPath string) (*chart.Chart, error) {
	chartPath = path.Clean(filepath.ToSlash(chartPath))
	if !filepath.IsLocal(chartPath) {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPath", File: chartPath, Msg: "the chart's path leaves the source"}
	}
	info, err := root.Stat(chartPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &model.Error{
			Kind: model.ErrNotFound, Reason: "ChartNotFound", File: chartPath, Msg: "there is no such chart in the source",
			Next: "check the chart's path and the ref it is read from",
		}
	}
	if err != nil {
		return nil, pathError(chartPath, err)
	}
	var files []*archive.BufferedFile
	if info.IsDir() {
		files, err = readFolder(root, chartPath)
	} else {
		files, err = readArchive(root, chartPath)
	}
	if err != nil {
		return nil, err
	}
	return fromFiles(files)
}

// fromFiles hands the files to Helm and puts what it leaves to chance in order: it keeps subcharts
// in the order of a map.
func fromFiles(files []*archive.BufferedFile) (*chart.Chart, error) {
	if err := checkAPIVersion(files); err != nil {
		return nil, err
	}
	c, err := loader.LoadFiles(files)
	if err != nil {
		return nil, loadError(files, err)
	}
	settle(c)
	return c, nil
}

func settle(c *chart.Chart) {
	deps := slices.Clone(c.Dependencies())
	slices.SortFunc(deps, func(a, b *chart.Chart) int {
		return strings.Compare(a.Name()+" "+a.Metadata.Version, b.Name()+" "+b.Metadata.Version)
	})
	c.SetDependencies(deps...)
	c.Raw = nil // a second copy of everything that nobody reads
	for _, d := range deps {
		settle(d)
	}
}

func readArchive(root *os.Root, name string) ([]*archive.BufferedFile, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, pathError(name, err)
	}
	defer f.Close()
	files, err := archive.LoadArchiveFiles(io.LimitReader(f, maxChartSize))
	if err != nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", File: name, Msg: "not a chart archive", Err: err}
	}
	for _, f := range files {
		// Modification times differ between copies of the same content, and a render must not.
		f.ModTime = time.Time{}
	}
	return files, nil
}

// folder reads a chart's files as Helm's loader does: .helmignore is honoured and links are
// followed, here only as far as they stay inside of the artifact.
type folder struct {
	root  *os.Root
	top   string
	rules *ignore.Rules
	files []*archive.BufferedFile
	left  int64
}

func readFolder(root *os.Root, top string) ([]*archive.BufferedFile, error) {
	rules := ignore.Empty()
	if f, err := root.Open(path.Join(top, ignore.HelmIgnore)); err == nil {
		rules, err = ignore.Parse(io.LimitReader(f, 1<<20))
		f.Close()
		if err != nil {
			return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", File: ignore.HelmIgnore, Msg: "reading rules", Err: err}
		}
	}
	rules.AddDefaults()
	d := &folder{root: root, top: top, rules: rules, left: maxChartSize}
	if err := d.read("", 0); err != nil {
		return nil, err
	}
	return d.files, nil
}

func (d *folder) read(name string, depth int) error {
	if depth > maxDepth {
		return invalidPath(name, fmt.Sprintf("folders are nested more than %d deep, or a link goes round", maxDepth))
	}
	dir, err := d.root.Open(path.Join(d.top, name))
	if err != nil {
		return pathError(name, err)
	}
	entries, err := dir.ReadDir(-1)
	dir.Close()
	if err != nil {
		return pathError(name, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if err := d.entry(path.Join(name, e.Name()), depth); err != nil {
			return err
		}
	}
	return nil
}

func (d *folder) entry(name string, depth int) error {
	info, err := d.root.Stat(path.Join(d.top, name))
	if err != nil {
		if lst, lerr := d.root.Lstat(path.Join(d.top, name)); lerr == nil && d.rules.Ignore(name, lst) {
			return nil
		}
		return pathError(name, err)
	}
	switch {
	case d.rules.Ignore(name, info):
		return nil
	case info.IsDir():
		return d.read(name, depth+1)
	case !info.Mode().IsRegular():
		return invalidPath(name, "not a regular file")
	case len(d.files) == maxChartFiles:
		return invalidPath(name, fmt.Sprintf("the chart has more than %d files", maxChartFiles))
	}
	data, err := readBounded(d.root, path.Join(d.top, name), d.left)
	if err != nil {
		return err
	}
	d.left -= int64(len(data))
	d.files = append(d.files, &archive.BufferedFile{Name: name, Data: bytes.TrimPrefix(data, utf8BOM)})
	return nil
}

func readBounded(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, pathError(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, invalidPath(name, fmt.Sprintf("the chart is larger than %d MiB", maxChartSize>>20))
	}
	return data, nil
}

// pathError leaves the machine's own paths out of a file error.
func pathError(name string, err error) error {
	msg := err.Error()
	var p *fs.PathError
	if errors.As(err, &p) {
		msg = p.Err.Error()
	}
	return invalidPath(name, "reading: "+msg)
}

func invalidPath(name, msg string) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidPath", File: name, Msg: msg}
}

// File is one file of a chart, its name below the chart's folder.
type File struct {
	Name string
	Data []byte
}

// Files reads the files of the chart at dir's path as a chart consists of them: without those that
// .helmignore names.
func Files(dir, chartPath string) ([]File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening artifact: %w", err)
	}
	defer root.Close()
	files, err := readFolder(root, path.Clean(filepath.ToSlash(chartPath)))
	if err != nil {
		return nil, err
	}
	all := make([]File, len(files))
	for i, f := range files {
		all[i] = File{Name: f.Name, Data: f.Data}
	}
	return all, nil
}

// LoadFiles reads a chart from its files.
func LoadFiles(files []File) (*chart.Chart, error) {
	all := make([]*archive.BufferedFile, len(files))
	for i, f := range files {
		all[i] = &archive.BufferedFile{Name: f.Name, Data: f.Data}
	}
	return fromFiles(all)
}

// LoadArchive reads a chart from an archive as `helm package` makes it.
func LoadArchive(data []byte) (*chart.Chart, error) {
	if len(data) > maxChartSize {
		return nil, invalidPath("", fmt.Sprintf("the chart is larger than %d MiB", maxChartSize>>20))
	}
	files, err := archive.LoadArchiveFiles(bytes.NewReader(data))
	if err != nil {
		return nil, &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChart", Msg: "not a chart archive", Err: err}
	}
	for _, f := range files {
		f.ModTime = time.Time{}
	}
	return fromFiles(files)
}
