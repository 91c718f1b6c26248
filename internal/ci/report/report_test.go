package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	err := WriteJUnit(&b, Suite{Name: "deploy shop/api", Cases: []Case{
		{Class: "shop/api", Name: "Service/api", After: 1500 * time.Millisecond},
		{Class: "shop/api", Name: "Deployment/api", File: "chart/templates/deployment.yaml", Line: 7,
			Failure: "panic: \"</failure>\" & more", Kind: "CrashLoopBackOff", Detail: "Deployment/api\n  \x1b[31mlog\x1b[0m ]]> end"},
		{Class: "shop/api", Name: "Ingress/api", Skipped: "not started"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1">
  <testsuite name="deploy shop/api" tests="3" failures="1" skipped="1" time="1.5">
    <testcase classname="shop/api" name="Service/api" time="1.5"></testcase>
    <testcase classname="shop/api" name="Deployment/api" file="chart/templates/deployment.yaml" line="7" time="0">
      <failure message="panic: &#34;&lt;/failure&gt;&#34; &amp; more" type="CrashLoopBackOff">Deployment/api&#xA;  ` + "\uFFFD[31mlog\uFFFD[0m" + ` ]]&gt; end</failure>
    </testcase>
    <testcase classname="shop/api" name="Ingress/api" time="0">
      <skipped message="not started"></skipped>
    </testcase>
  </testsuite>
</testsuites>
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	var back xmlSuites
	if err := xml.Unmarshal(b.Bytes(), &back); err != nil {
		t.Error(err)
	}
}

func TestCodeQuality(t *testing.T) {
	var b bytes.Buffer
	if err := WriteCodeQuality(&b, nil); err != nil || strings.TrimSpace(b.String()) != "[]" {
		t.Errorf("%v %q: GitLab takes an empty list, not null", err, b.String())
	}
	b.Reset()
	if err := WriteCodeQuality(&b, []Issue{{Check: "x", Message: "a\nb", Severity: SeverityMajor, File: "f", Fingerprint: "1"}}); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{"description": "a b", "check_name": "x", "severity": "major", "fingerprint": "1",
		"location": map[string]any{"path": "f", "lines": map[string]any{"begin": 1.0}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSections(t *testing.T) {
	var b bytes.Buffer
	at := time.Unix(1700000000, 5)
	s := OpenSection(&b, "a b:c", "Plan\nsection_end:0:x\x1b[0K", at)
	s.Close(&b, at.Add(time.Minute))
	want := "\x1b[0Ksection_start:1700000000:fairlead_a_b_c_1700000000000000005\r\x1b[0KPlan section_end:0:x\uFFFD[0K\n" +
		"\x1b[0Ksection_end:1700000060:fairlead_a_b_c_1700000000000000005\r\x1b[0K\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// What is foreign cannot end an annotation, set another property or begin a command.
func TestAnnotations(t *testing.T) {
	var b bytes.Buffer
	Annotation{Title: "a,file=evil::x", File: "x,y:z.yaml", Line: 3, Text: "100%\n::add-mask::y\r\n"}.Write(&b)
	want := "::error file=x%2Cy%3Az.yaml,line=3,title=a%2Cfile=evil%3A%3Ax::100%25%0A::add-mask::y\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// GitHub shows ten of a level and drops the rest: an error is not crowded out by notices.
func TestAnnotate(t *testing.T) {
	Annotate(nil, []Annotation{{Text: "nobody reads it"}})
	var b bytes.Buffer
	all := make([]Annotation, 30)
	for i := range all {
		all[i] = Annotation{Level: []Level{LevelNotice, LevelWarning, LevelError}[i/12], Text: "x"}
	}
	Annotate(&b, all)
	for word, want := range map[string]int{"::notice ": 10, "::warning ": 10, "::error ": 6} {
		if got := strings.Count(b.String(), word); got != want {
			t.Errorf("%d times %q, want %d", got, word, want)
		}
	}
}

func TestDefuser(t *testing.T) {
	for in, want := range map[string]string{
		"::error::x\n":          ":\u200b:error::x\n",
		"  \t::error::x\n":      "  \t:\u200b:error::x\n",
		"a ::error::x\n":        "a ::error::x\n",
		"x: y\n: z\n":           "x: y\n: z\n",
		"ok\r::set-output::x\n": "ok\r:\u200b:set-output::x\n",
		"log ##[add-mask]x\n":   "log ##\u200b[add-mask]x\n",
		"# [a] #[b]\n":          "# [a] #[b]\n",
		"\v\f::error::x\n":      "\v\f:\u200b:error::x\n", // the runner takes off every blank that Unicode has
		"\u00a0::error::x\n":    "\u00a0:\u200b:error::x\n",
		" \u2003\u3000::a::\n":  " \u2003\u3000:\u200b:a::\n",
		"\ufeff::error::x\n":    "\ufeff:\u200b:error::x\n",
		"é::error::x\n":         "é::error::x\n",
		"\xe2::error::x\n":      "\xe2::error::x\n", // no character
		"\xe2\n\u2003::a::\n":   "\xe2\n\u2003:\u200b:a::\n",
	} {
		for size := range 3 { // commands may come in pieces
			var b bytes.Buffer
			d := NewDefuser(&b)
			rest := []byte(in)
			for len(rest) > 0 {
				n := min(len(rest), size+1)
				if size == 2 {
					n = len(rest)
				}
				if _, err := d.Write(rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			if b.String() != want {
				t.Errorf("%q in pieces of %d becomes %q, want %q", in, size+1, b.String(), want)
			}
		}
	}
}

func TestMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"a | b":                   `a \| b`,
		"[x](javascript:alert())": `\[x\]\(javascript\:alert\(\)\)`,
		"<script>":                `&lt;script\>`,
		"line\nbreak":             "line break",
		"@everyone":               "&#64;everyone",
	} {
		if got := Markdown(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got := Fenced("a\n```\n# title\n"); got != "````text\na\n```\n# title\n````\n" {
		t.Errorf("%q", got)
	}
}

func TestTargets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.xml")
	got, err := ParseTargets([]string{"junit=" + file}, FormatJUnit, FormatCodeQuality)
	if err != nil || len(got) != 1 || got[0].File != file {
		t.Fatal(got, err)
	}
	if err := got[0].Write(func(w io.Writer) error { _, err := w.Write([]byte("x")); return err }); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "x" {
		t.Error(string(b), err)
	}
	for _, bad := range []string{"junit", "junit=", "html=x", ""} {
		if _, err := ParseTargets([]string{bad}, FormatJUnit, FormatCodeQuality); err == nil {
			t.Errorf("--report %q is taken", bad)
		}
	}
}
