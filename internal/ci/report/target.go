package report

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// The formats of report files.
const (
	FormatJUnit       = "junit"
	FormatCodeQuality = "codequality"
	FormatSarif       = "sarif"
)

// Target is a report file that was asked for.
type Target struct {
	Format string
	File   string
}

// ParseTargets reads the values of --report: FORMAT=FILE.
func ParseTargets(values []string, formats ...string) ([]Target, error) {
	var out []Target
	for _, v := range values {
		format, file, ok := strings.Cut(v, "=")
		if !ok || file == "" {
			return nil, fmt.Errorf("--report %q: want FORMAT=FILE, as in %s=%s.xml", v, formats[0], formats[0])
		}
		if !slices.Contains(formats, format) {
			return nil, fmt.Errorf("--report %q: the format is %s", v, strings.Join(formats, " or "))
		}
		out = append(out, Target{Format: format, File: file})
	}
	return out, nil
}

// Write makes the file with what write puts out. A file that cannot be written whole is an error.
func (t Target) Write(write func(io.Writer) error) error {
	f, err := os.Create(t.File)
	if err != nil {
		return fmt.Errorf("writing the %s report: %w", t.Format, err)
	}
	if err := write(f); err != nil {
		f.Close()
		return fmt.Errorf("writing the %s report %s: %w", t.Format, t.File, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing the %s report %s: %w", t.Format, t.File, err)
	}
	return nil
}
