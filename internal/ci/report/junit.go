package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/output"
)

// Suite is a list of cases under one name.
type Suite struct {
	Name  string
	Cases []Case
}

// Case is one thing that was looked at. With Failure it did not pass, with Skipped it was not
// looked at.
type Case struct {
	Class   string // what it belongs to: a file, a release
	Name    string
	File    string
	Line    int
	After   time.Duration
	Failure string // one line: what is wrong
	Kind    string // the failure's kind: a rule, a reason
	Detail  string // several lines
	Skipped string
}

type xmlSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Suites   []xmlSuite `xml:"testsuite"`
}

type xmlSuite struct {
	Name     string    `xml:"name,attr"`
	Tests    int       `xml:"tests,attr"`
	Failures int       `xml:"failures,attr"`
	Skipped  int       `xml:"skipped,attr"`
	Time     string    `xml:"time,attr"`
	Cases    []xmlCase `xml:"testcase"`
}

type xmlCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	File    string      `xml:"file,attr,omitempty"`
	Line    int         `xml:"line,attr,omitempty"`
	Time    string      `xml:"time,attr"`
	Failure *xmlFailure `xml:"failure,omitempty"`
	Skipped *xmlSkipped `xml:"skipped,omitempty"`
}

type xmlFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

type xmlSkipped struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes suites as JUnit XML, as GitLab, GitHub's reporters and Jenkins read it.
func WriteJUnit(w io.Writer, suites ...Suite) error {
	var doc xmlSuites
	for _, s := range suites {
		xs := s.xml()
		doc.Tests += xs.Tests
		doc.Failures += xs.Failures
		doc.Suites = append(doc.Suites, xs)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	return nil
}

func (s *Suite) xml() xmlSuite {
	out := xmlSuite{Name: output.Clean(s.Name), Tests: len(s.Cases)}
	var total time.Duration
	for i := range s.Cases {
		c := &s.Cases[i]
		total += c.After
		xc := xmlCase{
			Class: output.Clean(c.Class), Name: output.Clean(c.Name),
			File: output.Clean(c.File), Line: c.Line, Time: seconds(c.After),
		}
		switch {
		case c.Failure != "":
			out.Failures++
			xc.Failure = &xmlFailure{Message: output.Clean(c.Failure), Type: output.Clean(c.Kind), Text: output.CleanBlock(c.Detail)}
		case c.Skipped != "":
			out.Skipped++
			xc.Skipped = &xmlSkipped{Message: output.Clean(c.Skipped)}
		}
		out.Cases = append(out.Cases, xc)
	}
	out.Time = seconds(total)
	return out
}

func seconds(d time.Duration) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", d.Seconds()), "0"), ".")
}
