package check

import (
	"slices"
	"time"
)

// The statuses of cases.
const (
	StatusRendered = "rendered"
	StatusRefused  = "refused" // by the chart itself, and rightly so
	StatusFailed   = "failed"
)

// CaseResult is what came of one set of values.
type CaseResult struct {
	Name    string   `json:"name"`
	Kind    CaseKind `json:"kind"`
	Status  string   `json:"status"`
	Message string   `json:"message,omitempty"`
	Objects int      `json:"objects,omitempty"`
}

// Report is all that was found out about a chart.
type Report struct {
	Path       string       `json:"path"`
	Chart      string       `json:"chart,omitempty"`
	Version    string       `json:"version,omitempty"`
	Kubernetes []string     `json:"kubernetes,omitempty"` // versions whose schemas were applied
	Server     string       `json:"server,omitempty"`     // the API server that was asked; empty is none
	Tried      int          `json:"tried,omitempty"`      // objects it was asked about
	NotTried   []string     `json:"notTried,omitempty"`   // and those it could not be, with the reason
	Skipped    []string     `json:"skipped,omitempty"`    // kinds without a schema: "monitoring.coreos.com/v1 ServiceMonitor"
	Golden     string       `json:"golden,omitempty"`     // "compared 4", "written 4"; empty is none
	Left       []string     `json:"left,omitempty"`       // toggles there was no room for
	Cases      []CaseResult `json:"cases"`
	Findings   []Finding    `json:"findings"`
	Suppressed []Suppressed `json:"suppressed,omitempty"`

	ValuesFiles int     `json:"valuesFiles"` // values.yaml included
	Toggles     int     `json:"toggles"`
	Renders     int     `json:"renders"`
	Objects     int     `json:"objects"` // that differ
	Seconds     float64 `json:"seconds"`
}

// Suppressed is a finding that somebody has said why not to count.
type Suppressed struct {
	Finding
	Reason string `json:"reason"`
}

// Count is how many findings there are of a severity.
func (r *Report) Count(s Severity) int {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Severity == s {
			n++
		}
	}
	return n
}

// Worst reports whether any finding is as bad as s.
func (r *Report) Worst(s Severity) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity.AtLeast(s) })
}

// finish sorts the findings out.
func (r *run) finish(start time.Time) {
	r.report.Renders, r.report.Objects = int(r.renders.Load()), len(r.pool)
	r.report.Findings, r.report.Suppressed = r.config.sift(r.found, r.Ignore)
	if r.report.Cases == nil {
		r.report.Cases = []CaseResult{}
	}
	r.report.Seconds = float64(r.Now().Sub(start).Milliseconds()) / 1000
}
