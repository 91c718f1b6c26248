package check

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// Severity says how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // it does not work, or is not safe
	Warning Severity = "warning" // it works, but someone will be sorry
	Info    Severity = "info"    // worth knowing; never fails a test
)

func (s Severity) rank() int {
	switch s {
	case Error:
		return 0
	case Warning:
		return 1
	}
	return 2
}

// less is the severity below.
func (s Severity) less() Severity {
	if s == Error {
		return Warning
	}
	return Info
}

// AtLeast reports whether s is as bad as o, or worse.
func (s Severity) AtLeast(o Severity) bool { return s.rank() <= o.rank() }

// Finding is one thing that is wrong.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	File     string   `json:"file,omitempty"` // below the chart's folder
	Line     int      `json:"line,omitempty"` // 0 is unknown
	// Near says that the line is the nearest that could be found: what is wrong comes out of an
	// include, or is what is missing there.
	Near    bool     `json:"near,omitempty"`
	Object  string   `json:"object,omitempty"` // "Deployment/web"
	Field   string   `json:"field,omitempty"`  // "spec.replicas"
	Message string   `json:"message"`
	Fix     string   `json:"fix,omitempty"`
	Value   string   `json:"value,omitempty"` // of the values, where the line uses just one: "image.tag"
	Cases   []string `json:"cases,omitempty"` // that lead there, the simplest first
}

var index = pattern.New(`\[\d+\]`)

// Fingerprint is the same for the same finding as long as it lies in the same file, whatever line
// that is on. Of the object only the kind counts: some charts make names of random letters.
func (f *Finding) Fingerprint() string {
	kind, _, _ := strings.Cut(f.Object, "/")
	sum := sha256.Sum256([]byte(strings.Join([]string{f.Rule, f.File, kind, index.ReplaceAllString(f.Field, "[]"), f.Message}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// findings collects, and makes one of those that are the same in several cases.
type findings struct {
	byKey map[string]*Finding
	order []string
	ranks map[string]int // of cases: the simplest first
}

func newFindings(cases []Case) *findings {
	f := &findings{byKey: map[string]*Finding{}, ranks: map[string]int{}}
	for i, c := range cases {
		f.ranks[c.Name] = i
	}
	return f
}

// add takes a finding, filling in severity and fix by its rule where it brings none.
func (fs *findings) add(f Finding) {
	r := ruleByID(f.Rule)
	f.Severity = cmp.Or(f.Severity, r.Severity)
	f.Fix = cmp.Or(f.Fix, r.Fix)
	key := f.Fingerprint() + strconv.Itoa(f.Line) // one template can make several objects, one file hold several templates
	known, ok := fs.byKey[key]
	if !ok {
		f.Cases = slices.Clone(f.Cases)
		fs.byKey[key] = &f
		fs.order = append(fs.order, key)
		return
	}
	if f.Severity.rank() < known.Severity.rank() {
		known.Severity = f.Severity
	}
	for _, c := range f.Cases {
		if !slices.Contains(known.Cases, c) {
			known.Cases = append(known.Cases, c)
		}
	}
}

// has reports whether a rule has found something on a line.
func (fs *findings) has(rule, file string, line int) bool {
	for _, f := range fs.byKey {
		if f.Rule == rule && f.File == file && f.Line == line {
			return true
		}
	}
	return false
}

// sorted are the findings by file and line, with their cases in order.
func (fs *findings) sorted() []Finding {
	all := make([]Finding, 0, len(fs.order))
	for _, key := range fs.order {
		f := *fs.byKey[key]
		slices.SortStableFunc(f.Cases, func(a, b string) int { return cmp.Compare(fs.rank(a), fs.rank(b)) })
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(
			strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Object, b.Object),
			slices.Compare(a.Cases, b.Cases), cmp.Compare(a.Severity.rank(), b.Severity.rank()),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.Message, b.Message),
		)
	})
	return all
}

func (fs *findings) rank(name string) int {
	if i, ok := fs.ranks[name]; ok {
		return i
	}
	return len(fs.ranks)
}
