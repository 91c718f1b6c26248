package artifact

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Bounds limit what an archive may unpack to.
type Bounds struct {
	Files int
	Bytes int64
}

// UnpackChart writes the chart in a gzipped tar to dir/name. As Helm does it takes the first part
// of each path in the archive for the chart's folder, whatever that is called. Links and special
// files are refused: "helm package" writes none. It gives the bytes of the files.
func UnpackChart(r io.Reader, dir, name string, max Bounds) (bytes int64, err error) {
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return 0, badArchive("it is no gzip file", err)
	}
	base := filepath.Join(dir, name)
	if err := os.Mkdir(base, 0o755); err != nil {
		return 0, fmt.Errorf("unpacking a chart: %w", err)
	}
	root, err := os.OpenRoot(base)
	if err != nil {
		return 0, fmt.Errorf("unpacking a chart: %w", err)
	}
	defer root.Close()
	// One byte more than allowed shows that there is more.
	allowed := max.Bytes + tarOverhead(max.Files) + 1
	limited := &io.LimitedReader{R: zipped, N: allowed}
	archive := tar.NewReader(limited)
	files := 0
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if limited.N <= 0 {
			return 0, tooLarge(max)
		}
		if err != nil {
			return 0, badArchive("it cannot be read", err)
		}
		if files++; files > max.Files {
			return 0, tooLarge(max)
		}
		n, err := unpackEntry(root, archive, header)
		bytes += n
		if limited.N <= 0 {
			return 0, tooLarge(max)
		}
		if err != nil {
			return 0, err
		}
	}
	if _, err := root.Stat("Chart.yaml"); err != nil {
		return 0, badArchive("it holds no Chart.yaml", nil)
	}
	return bytes, nil
}

// tarOverhead is room for the headers and padding of a tar.
func tarOverhead(files int) int64 { return int64(files)*4096 + 1<<20 }

func unpackEntry(root *os.Root, content io.Reader, header *tar.Header) (bytes int64, err error) {
	switch header.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return 0, nil // folders come with their files
	case tar.TypeReg:
	default:
		return 0, badArchive(fmt.Sprintf("%q is a link or a special file", header.Name), nil)
	}
	clean := path.Clean(strings.ReplaceAll(header.Name, `\`, "/"))
	_, below, nested := strings.Cut(clean, "/")
	if !nested {
		return 0, badArchive(fmt.Sprintf("%q lies outside of the chart's folder", header.Name), nil)
	}
	name := filepath.FromSlash(below)
	if strings.HasPrefix(clean, "/") || !filepath.IsLocal(filepath.FromSlash(clean)) || !filepath.IsLocal(name) {
		return 0, badArchive(fmt.Sprintf("%q leaves the chart's folder", header.Name), nil)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return 0, fmt.Errorf("unpacking %s: %w", below, err)
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return 0, badArchive(fmt.Sprintf("%q cannot be placed", header.Name), err)
	}
	bytes, err = io.Copy(f, content)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return 0, badArchive(fmt.Sprintf("%q cannot be read", header.Name), err)
	}
	return bytes, nil
}

func badArchive(why string, err error) error {
	return &model.Error{Kind: model.ErrInvalid, Reason: "InvalidChartArchive", Msg: "the chart archive is not usable: " + why, Err: err}
}

func tooLarge(max Bounds) error {
	return &model.Error{
		Kind: model.ErrInvalid, Reason: "ArtifactTooLarge", Msg: fmt.Sprintf("the chart archive holds more than the %d bytes or %d files allowed", max.Bytes, max.Files),
		Next: "raise the limit on artifacts",
	}
}
