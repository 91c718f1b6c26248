package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// ignores are the comments "# fairlead:ignore RULE[,RULE] reason". One covers its own line; alone on a
// line it covers the next one, and above a job's name the whole job.
type ignores struct {
	rules map[place][]string // by file and line
	bad   []Finding
}

var ignoreComment = pattern.New(`#\s*fairlead:ignore\s*([a-z0-9,-]*)\s*(.*)$`)

func newIgnores(f *files) *ignores {
	known := map[string]bool{}
	for _, r := range Rules() {
		known[r.ID] = true
	}
	out := &ignores{rules: map[place][]string{}}
	for name, data := range f.text {
		rows := strings.Split(string(data), "\n")
		for i, row := range rows {
			m := ignoreComment.FindStringSubmatch(row)
			if m == nil {
				continue
			}
			if msg := faulty(m[1], m[2], known); msg != "" {
				out.bad = append(out.bad, Finding{Rule: ruleIgnore, Severity: Warning, File: name, Line: i + 1, Message: msg})
				continue
			}
			line := i
			if strings.HasPrefix(strings.TrimSpace(row), "#") {
				for line++; line < len(rows) && (strings.TrimSpace(rows[line]) == "" || strings.HasPrefix(strings.TrimSpace(rows[line]), "#")); line++ {
				}
			}
			at := place{file: name, line: line + 1}
			out.rules[at] = append(out.rules[at], strings.Split(m[1], ",")...)
		}
	}
	return out
}

func faulty(rules, reason string, known map[string]bool) string {
	if rules == "" {
		return "fairlead:ignore names no rule"
	}
	for _, r := range strings.Split(rules, ",") {
		if !known[r] {
			return fmt.Sprintf("fairlead:ignore: there is no rule %q", r)
		}
	}
	if strings.TrimSpace(reason) == "" {
		return "fairlead:ignore " + rules + " gives no reason: the finding stays until one is given"
	}
	return ""
}

// covers reports whether a comment accepts a hit.
func (i *ignores) covers(rule string, h hit) bool {
	places := []place{{file: h.at.file, line: h.at.line}}
	if h.job != nil {
		places = append(places, place{file: h.job.at.file, line: h.job.at.line})
	}
	for _, at := range places {
		if slices.Contains(i.rules[at], rule) {
			return true
		}
	}
	return false
}
