package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/fairlead-cd/fairlead/internal/output"
)

// The severities of GitLab's code quality report that are used.
const (
	SeverityInfo     = "info"
	SeverityMinor    = "minor"
	SeverityMajor    = "major"
	SeverityCritical = "critical"
	SeverityBlocker  = "blocker"
)

// Issue is one line of a code quality report.
type Issue struct {
	Check       string // the rule
	Message     string
	Severity    string
	File        string // below the repository's root
	Line        int
	Fingerprint string // the same as long as it is the same problem
}

// WriteCodeQuality writes issues as GitLab's code quality report
// (docs.gitlab.com/ci/testing/code_quality, "Code Quality report format").
func WriteCodeQuality(w io.Writer, issues []Issue) error {
	type lines struct {
		Begin int `json:"begin"`
	}
	type location struct {
		Path  string `json:"path"`
		Lines lines  `json:"lines"`
	}
	type entry struct {
		Description string   `json:"description"`
		CheckName   string   `json:"check_name"`
		Fingerprint string   `json:"fingerprint"`
		Severity    string   `json:"severity"`
		Location    location `json:"location"`
	}
	entries := make([]entry, 0, len(issues)) // none is "[]", never "null"
	for _, i := range issues {
		entries = append(entries, entry{
			Description: output.Clean(i.Message), CheckName: i.Check, Fingerprint: i.Fingerprint,
			Severity: i.Severity, Location: location{Path: i.File, Lines: lines{Begin: max(i.Line, 1)}},
		})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(entries); err != nil {
		return fmt.Errorf("writing the code quality report: %w", err)
	}
	return nil
}
