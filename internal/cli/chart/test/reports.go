package test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/chart/check"
	"github.com/fairlead-cd/fairlead/internal/ci/report"
	"github.com/fairlead-cd/fairlead/internal/output"
)

// writeReports writes the files that --report names.
func (o *Options) writeReports(r *check.Report) error {
	for form, file := range o.Reports {
		var text []byte
		var err error
		switch form {
		case "junit":
			text, err = o.junit(r)
		case "codequality":
			text, err = o.codeQuality(r)
		}
		if err != nil {
			return fmt.Errorf("writing the %s report: %w", form, err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("writing the %s report: %w", form, err)
		}
	}
	return nil
}

// issue is an entry of a GitLab code quality report
// (https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format).
type issue struct {
	Description string   `json:"description"`
	CheckName   string   `json:"check_name"`
	Fingerprint string   `json:"fingerprint"`
	Severity    string   `json:"severity"`
	Location    location `json:"location"`
}

type location struct {
	Path  string `json:"path"`
	Lines struct {
		Begin int `json:"begin"`
	} `json:"lines"`
}

func (o *Options) codeQuality(r *check.Report) ([]byte, error) {
	severities := map[check.Severity]string{check.Error: "major", check.Warning: "minor", check.Info: "info"}
	issues := []issue{} // no findings are an empty list, not null
	seen := map[string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		e := issue{Description: describe(f), CheckName: f.Rule, Fingerprint: f.Fingerprint(), Severity: severities[f.Severity]}
		if seen[e.Fingerprint]++; seen[e.Fingerprint] > 1 { // the same in another part of the file
			e.Fingerprint += "-" + strconv.Itoa(seen[e.Fingerprint])
		}
		e.Location.Path = o.shown(f.File)
		e.Location.Lines.Begin = max(f.Line, 1)
		issues = append(issues, e)
	}
	text, err := json.MarshalIndent(issues, "", "  ")
	return append(text, '\n'), err
}

// describe is a finding on one line.
func describe(f *check.Finding) string {
	s := f.Message
	if f.Object != "" {
		s = f.Object + ": " + s
	}
	if w := with(f.Cases); w != "" {
		s += " (with " + w + ")"
	}
	if f.Fix != "" {
		s += "; " + f.Fix
	}
	return output.Clean(s)
}

// The forms of a JUnit report, as GitLab and others read them.
type (
	testsuites struct {
		XMLName  xml.Name    `xml:"testsuites"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Suites   []testsuite `xml:"testsuite"`
	}
	testsuite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Time     string     `xml:"time,attr"`
		Cases    []testcase `xml:"testcase"`
	}
	testcase struct {
		Name      string   `xml:"name,attr"`
		ClassName string   `xml:"classname,attr"`
		File      string   `xml:"file,attr,omitempty"`
		Failure   *failure `xml:"failure,omitempty"`
		Skipped   *skipped `xml:"skipped,omitempty"`
		Out       string   `xml:"system-out,omitempty"`
	}
	failure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	skipped struct {
		Message string `xml:"message,attr"`
	}
)

// junit has one test for each set of values, and one for the chart's own files. A finding fails the
// simplest set that leads to it.
func (o *Options) junit(r *check.Report) ([]byte, error) {
	suite := testsuite{Name: "fairlead chart test " + o.shown(""), Time: strconv.FormatFloat(r.Seconds, 'f', 3, 64)}
	byCase := map[string][]*check.Finding{}
	for i := range r.Findings {
		f := &r.Findings[i]
		name := ""
		if len(f.Cases) > 0 {
			name = f.Cases[0]
		}
		byCase[name] = append(byCase[name], f)
	}
	add := func(name string, c *check.CaseResult) {
		t := testcase{Name: name, ClassName: "chart." + r.Chart, File: o.shown("")}
		t.Failure, t.Out = o.failure(byCase[name])
		if c == nil {
			t.Name = "files"
		} else if c.Status == check.StatusRefused && t.Failure == nil {
			t.Skipped = &skipped{Message: output.Clean("refused by the chart: " + c.Message)}
		}
		if suite.Tests++; t.Failure != nil {
			suite.Failures++
		}
		suite.Cases = append(suite.Cases, t)
	}
	add("", nil)
	for i := range r.Cases {
		add(r.Cases[i].Name, &r.Cases[i])
	}
	text, err := xml.MarshalIndent(testsuites{Tests: suite.Tests, Failures: suite.Failures, Suites: []testsuite{suite}}, "", "  ")
	return append([]byte(xml.Header), append(text, '\n')...), err
}

// failure makes one failure of findings that are bad enough, and text of the rest.
func (o *Options) failure(fs []*check.Finding) (*failure, string) {
	var bad, rest []string
	kind := ""
	for _, f := range fs {
		line := fmt.Sprintf("%s:%d: %s: [%s] %s", o.shown(f.File), max(f.Line, 1), f.Severity, f.Rule, describe(f))
		if !f.Severity.AtLeast(o.FailOn) {
			rest = append(rest, line)
			continue
		}
		if bad = append(bad, line); kind == "" {
			kind = f.Rule
		}
	}
	if len(bad) == 0 {
		return nil, strings.Join(rest, "\n")
	}
	message := count(len(bad), "finding", "findings") + ": " + bad[0]
	return &failure{Message: message, Type: kind, Text: strings.Join(bad, "\n")}, strings.Join(rest, "\n")
}

var levels = map[check.Severity]report.Level{check.Error: report.LevelError, check.Warning: report.LevelWarning, check.Info: report.LevelNotice}

// annotate shows the findings beside the chart's files in GitHub, but for those that --notes would add.
func (o *Options) annotate(r *check.Report) {
	var all []report.Annotation
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity == check.Info && !o.Notes {
			continue
		}
		all = append(all, report.Annotation{Level: levels[f.Severity], Title: f.Rule, File: o.shown(f.File), Line: f.Line, Text: describe(f)})
	}
	report.Annotate(o.Annotations, all)
}
