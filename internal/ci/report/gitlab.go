package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/output"
)

// Section is a part of a GitLab job's log that can be folded
// (docs.gitlab.com/ci/jobs/job_logs, "Custom collapsible sections").
type Section struct {
	name string
}

// OpenSection begins a section. Two of one name must not be in one job, so its time is part of it.
func OpenSection(w io.Writer, name, header string, now time.Time) Section {
	s := Section{name: fmt.Sprintf("fairlead_%s_%d", sectionName(name), now.UnixNano())}
	fmt.Fprintf(w, "\x1b[0Ksection_start:%d:%s\r\x1b[0K%s\n", now.Unix(), s.name, output.Clean(header))
	return s
}

// Close ends the section.
func (s Section) Close(w io.Writer, now time.Time) {
	fmt.Fprintf(w, "\x1b[0Ksection_end:%d:%s\r\x1b[0K\n", now.Unix(), s.name)
}

// sectionName leaves what GitLab allows: letters, digits, "_", "." and "-".
func sectionName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
			return r
		}
		return '_'
	}, s)
}
