package lint

import (
	"io"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/ci/lint"
	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/model"
)

// writeReports writes the files that --report asked for.
func writeReports(targets []report.Target, res lint.Result) error {
	for _, t := range targets {
		err := t.Write(func(w io.Writer) error {
			if t.Format == report.FormatJUnit {
				return report.WriteJUnit(w, suite(res))
			}
			return report.WriteCodeQuality(w, issues(res))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// suite has a case for each finding, and for each rule that found nothing.
func suite(res lint.Result) report.Suite {
	s := report.Suite{Name: "fairlead ci lint"}
	rules := byID()
	failed := map[string]bool{}
	for _, f := range res.Findings {
		failed[f.Rule] = true
		r := rules[f.Rule]
		s.Cases = append(s.Cases, report.Case{
			Class: f.File, Name: f.Rule + " at line " + strconv.Itoa(f.Line), File: f.File, Line: f.Line,
			Failure: f.Message, Kind: f.Rule, Detail: r.Why + "\n" + r.Fix[f.Provider],
		})
	}
	for _, r := range lint.Rules() {
		if !failed[r.ID] {
			s.Cases = append(s.Cases, report.Case{Class: "rules", Name: r.ID})
		}
	}
	return s
}

var severities = map[lint.Severity]string{lint.Error: report.SeverityCritical, lint.Warning: report.SeverityMinor, lint.Info: report.SeverityInfo}

func issues(res lint.Result) []report.Issue {
	var out []report.Issue
	times := map[string]int{}
	for _, f := range res.Findings {
		// The line is left out: a finding stays the same one when something is written above it.
		id := model.Digest([]byte(f.Rule), []byte(f.File), []byte(strings.Join(f.Jobs, ",")), []byte(f.Message))
		times[id]++
		out = append(out, report.Issue{
			Check: f.Rule, Message: f.Message, Severity: severities[f.Severity], File: f.File, Line: f.Line,
			Fingerprint: model.Digest([]byte(id), []byte(strconv.Itoa(times[id]))),
		})
	}
	return out
}

var levels = map[lint.Severity]report.Level{lint.Error: report.LevelError, lint.Warning: report.LevelWarning, lint.Info: report.LevelNotice}

// annotations are the findings as GitHub shows them beside the pipeline.
func annotations(res lint.Result) []report.Annotation {
	rules := byID()
	var out []report.Annotation
	for _, f := range res.Findings {
		out = append(out, report.Annotation{
			Level: levels[f.Severity], Title: f.Rule, File: f.File, Line: f.Line, Text: f.Message + "\n" + rules[f.Rule].Why,
		})
	}
	return out
}
