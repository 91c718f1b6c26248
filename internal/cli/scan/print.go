package scan

import (
	"fmt"
	"io"
	"time"

	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/ci/scan"
	"github.com/fairlead-cd/fairlead/internal/cli"
	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// document is what -o json prints. It holds no secret, so that it can be a baseline in the repository.
type document struct {
	cli.Header
	Summary  summary        `json:"summary"`
	Findings []scan.Finding `json:"findings"`
	Skipped  []scan.Skipped `json:"skipped,omitempty"`
}

type summary struct {
	Findings int     `json:"findings"`
	Accepted int     `json:"accepted"` // by .gitleaksignore or the baseline
	Files    int     `json:"files"`
	Commits  int     `json:"commits,omitempty"`
	Bytes    int64   `json:"bytes"`
	Seconds  float64 `json:"seconds"`
}

func (o *Options) print(res scan.Result, took time.Duration) error {
	if o.Format.Structured() {
		d := document{Header: cli.NewHeader("SecretFindings"), Findings: res.Findings, Skipped: res.Skipped, Summary: summary{
			Findings: len(res.Findings), Accepted: res.Accepted, Files: res.Files, Commits: res.Commits, Bytes: res.Bytes,
			Seconds: took.Round(time.Millisecond).Seconds(),
		}}
		if d.Findings == nil {
			d.Findings = []scan.Finding{}
		}
		return o.Format.Write(o.IO.Out, d)
	}
	if o.Format.Is(output.FormatName) {
		for _, f := range res.Findings {
			if err := o.IO.Line(f.Fingerprint); err != nil {
				return err
			}
		}
		return nil
	}
	if len(res.Findings) > 0 {
		if err := o.table(res.Findings); err != nil {
			return err
		}
	}
	for _, s := range res.Skipped {
		o.IO.Say("not looked at: %s: %s", report.Defused(s.File), s.Reason)
	}
	o.IO.Say("%s", told(res, took))
	if len(res.Findings) > 0 {
		o.IO.Say("next  change the secret where it is valid, then take it out; what is no secret: a comment gitleaks:allow, or its fingerprint (-o name) in %s", scan.IgnoreFile)
	}
	return nil
}

func (o *Options) table(findings []scan.Finding) error {
	history := findings[0].Commit != ""
	t := &output.Table{
		Columns: []output.Column{
			{Name: "WHERE"}, {Name: "COMMIT", Wide: !history}, {Name: "RULE", Style: func(string) output.Style { return output.Bad }},
			{Name: "FINGERPRINT", Wide: true}, {Name: "WHAT"},
		},
		Wide: o.Format.Is(output.FormatWide), Width: o.IO.Width, Paint: o.IO.OutPaint(),
	}
	var rows [][]string
	for _, f := range findings {
		commit := ""
		if f.Commit != "" {
			commit = f.Commit[:min(len(f.Commit), 7)] + " " + f.Date
		}
		// Names of files and words of rules come from the change that is looked at.
		rows = append(rows, []string{report.Defused(fmt.Sprintf("%s:%d", f.File, f.Line)), commit, report.Defused(f.Rule), report.Defused(f.Fingerprint), report.Defused(f.Description)})
	}
	return t.Write(o.IO.Out, rows...)
}

func told(res scan.Result, took time.Duration) string {
	what := fmt.Sprintf("%d files", res.Files)
	if res.Commits > 0 {
		what = fmt.Sprintf("%d commits", res.Commits)
	}
	found := "no secrets"
	switch len(res.Findings) {
	case 0:
	case 1:
		found = "1 secret"
	default:
		found = fmt.Sprintf("%d secrets", len(res.Findings))
	}
	text := fmt.Sprintf("%s in %s (%.1f MB, %s)", found, what, float64(res.Bytes)/1e6, took.Round(10*time.Millisecond))
	if res.Accepted > 0 {
		text += fmt.Sprintf("; %d accepted", res.Accepted)
	}
	return text
}

func (o *Options) writeReports(res scan.Result) error {
	for _, t := range o.Reports {
		err := t.Write(func(w io.Writer) error {
			switch t.Format {
			case report.FormatJUnit:
				return report.WriteJUnit(w, suite(res))
			case report.FormatSarif:
				return report.WriteSarif(w, "fairlead scan", o.Version, rules(res), issues(res))
			}
			return report.WriteCodeQuality(w, issues(res))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func suite(res scan.Result) report.Suite {
	s := report.Suite{Name: "fairlead scan"}
	for _, f := range res.Findings {
		s.Cases = append(s.Cases, report.Case{
			Class: f.File, Name: fmt.Sprintf("%s at line %d", f.Rule, f.Line), File: f.File, Line: f.Line,
			Failure: f.Description, Kind: f.Rule, Detail: "fingerprint " + f.Fingerprint,
		})
	}
	if len(s.Cases) == 0 {
		s.Cases = []report.Case{{Class: "secrets", Name: "no secrets"}}
	}
	return s
}

func issues(res scan.Result) []report.Issue {
	var out []report.Issue
	for _, f := range res.Findings {
		message := f.Description
		if f.Commit != "" {
			message += " (added by commit " + f.Commit[:min(len(f.Commit), 7)] + ")"
		}
		out = append(out, report.Issue{
			Check: f.Rule, Message: message, Severity: report.SeverityBlocker, File: f.File, Line: f.Line,
			Fingerprint: model.Digest([]byte(f.Fingerprint), []byte(fmt.Sprint(f.Column))),
		})
	}
	return out
}

func rules(res scan.Result) []report.SarifRule {
	var out []report.SarifRule
	seen := map[string]bool{}
	for _, f := range res.Findings {
		if !seen[f.Rule] {
			seen[f.Rule] = true
			out = append(out, report.SarifRule{ID: f.Rule, Text: f.Description})
		}
	}
	return out
}

// annotations are the findings as GitHub shows them beside the files.
func annotations(res scan.Result) []report.Annotation {
	var out []report.Annotation
	for _, f := range issues(res) {
		out = append(out, report.Annotation{Title: f.Check, File: f.File, Line: f.Line, Text: f.Message})
	}
	return out
}
