package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/output"
)

// Escapes of GitHub's workflow commands, as the runner's own toolkit writes them
// (github.com/actions/toolkit, packages/core/src/command.ts).
var (
	commandData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// Level says how much an annotation matters.
type Level string

// The levels of GitHub's annotations.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
	LevelNotice  Level = "notice"
)

// maxAnnotations is how many of each level GitHub shows of one step
// (docs.github.com/rest/checks/runs).
const maxAnnotations = 10

// Annotation is a message at a place, which GitHub shows beside the code.
type Annotation struct {
	Level Level // empty is an error
	Title string
	File  string // below the repository's root; may be empty
	Line  int
	Text  string // several lines
}

// Annotate writes annotations, the first of each level. w is nil where no runner reads them.
func Annotate(w io.Writer, all []Annotation) {
	if w == nil {
		return
	}
	written := map[Level]int{}
	for _, a := range all {
		if written[a.Level]++; written[a.Level] <= maxAnnotations {
			a.Write(w)
		}
	}
}

// Write writes an annotation.
func (a Annotation) Write(w io.Writer) {
	var props []string
	if a.File != "" {
		props = append(props, "file="+commandProperty.Replace(output.Clean(a.File)))
		if a.Line > 0 {
			props = append(props, fmt.Sprintf("line=%d", a.Line))
		}
	}
	if a.Title != "" {
		props = append(props, "title="+commandProperty.Replace(output.Clean(a.Title)))
	}
	fmt.Fprintf(w, "::%s %s::%s\n", cmp.Or(a.Level, LevelError), strings.Join(props, ","), commandData.Replace(strings.TrimSpace(output.CleanBlock(a.Text))))
}

// OpenGroup begins a part of a GitHub job's log that can be folded.
func OpenGroup(w io.Writer, title string) {
	fmt.Fprintf(w, "::group::%s\n", commandData.Replace(output.Clean(title)))
}

// CloseGroup ends it.
func CloseGroup(w io.Writer) { fmt.Fprint(w, "::endgroup::\n") }

// markdown are the characters that mean something in GitHub's Markdown.
const markdown = "\\`*_{}[]()#+-.!|<>~&@:$"

// Markdown makes text of any origin safe in a table's cell or a line of Markdown: it is shown as it is
// written.
func Markdown(s string) string {
	var b strings.Builder
	for _, r := range output.Clean(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString("&#64;") // a backslash would not keep it from naming a person
		case r < 0x80 && strings.ContainsRune(markdown, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Fenced is text as a block of Markdown, in a fence longer than any in the text.
func Fenced(s string) string {
	s = strings.TrimRight(output.CleanBlock(s), "\n")
	fence := "```"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	return fence + "text\n" + s + "\n" + fence + "\n"
}
