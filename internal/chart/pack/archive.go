package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/render/helm"
)

// epoch is the time of every entry. Zero would do for tar, and some tools warn of it.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Archive makes the archive of the chart with this name.
func Archive(name string, files []helm.File) ([]byte, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b helm.File) int {
		// Chart.yaml first: who wants to know what an archive is need not read all of it.
		if (a.Name == chartFile) != (b.Name == chartFile) {
			if a.Name == chartFile {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	var buf bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("packing chart %q: %w", name, err)
	}
	// What Helm writes here (pkg/chart/v2/util/save.go), so that its own tools know the archive.
	zipped.Extra, zipped.Comment = []byte("+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo="), "Helm"
	w := tar.NewWriter(zipped)
	for _, f := range files {
		head := &tar.Header{
			Typeflag: tar.TypeReg, Name: path.Join(name, f.Name), Mode: 0o644, Size: int64(len(f.Data)), ModTime: epoch, Format: tar.FormatPAX,
		}
		if err := w.WriteHeader(head); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
		if _, err := w.Write(f.Data); err != nil {
			return nil, fmt.Errorf("packing %s: %w", f.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("packing chart %q: %w", name, err)
	}
	if err := zipped.Close(); err != nil {
		return nil, fmt.Errorf("packing chart %q: %w", name, err)
	}
	return buf.Bytes(), nil
}
