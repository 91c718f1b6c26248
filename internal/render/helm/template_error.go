package helm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
	"github.com/fairlead-cd/fairlead/internal/pattern"
	"github.com/fairlead-cd/fairlead/internal/render/manifest"
)

// templateFailure is what Helm's engine says of a template that failed, taken apart.
type templateFailure struct {
	outer   string // the template that was executed: "chart/templates/deployment.yaml"
	file    string // where the failure is: the innermost template
	line    int
	msg     string
	through []string // templates between the outer and the failing one, outermost first
	refusal bool     // the chart called fail or required
}

// The forms that helm.sh/helm/v4/pkg/engine writes: cleanupParseError, reformatExecErrorMsg.
var (
	refusalForm = pattern.New(`(?s)^execution error at \(([^():]+):(\d+)(?::\d+)?\): (.*)$`)
	parseForm   = pattern.New(`(?s)^parse error at \(([^():]+):(\d+)(?::\d+)?\): (.*)$`)
	placeLine   = pattern.New(`^([^\s:]+):(\d+)(?::\d+)?$`)
	// text/template's own, which the engine leaves as it is when it cannot take it apart: a chain
	// of places, the innermost last.
	chainLink = pattern.New(`template: ([^\s:]+):(\d+)(?::\d+)?: (?:executing "[^"]*" at <[^>]*>: )?`)
)

// inlineTemplate is what the engine calls text given to tpl: it lies in no file.
const inlineTemplate = "gotpl"

// callError is said by each template on the way out; the places tell as much.
var callError = pattern.New(`^(?:error calling (?:include|tpl): |template: |error during tpl function execution for "[^"]*": )+`)

func parseTemplateError(err error) templateFailure {
	text := err.Error()
	for _, form := range []*pattern.Regexp{refusalForm, parseForm} {
		if m := form.FindStringSubmatch(text); m != nil {
			f := templateFailure{outer: m[1], file: m[1], msg: m[3], refusal: form == refusalForm}
			f.line, _ = strconv.Atoi(m[2])
			return f
		}
	}
	if strings.HasPrefix(text, "template: ") {
		return parseChain(text)
	}
	return parseTrace(text)
}

func parseChain(text string) templateFailure {
	links := chainLink.FindAllStringSubmatchIndex(text, -1)
	if len(links) == 0 {
		return templateFailure{msg: text}
	}
	msg := text[links[len(links)-1][1]:]
	for len(links) > 1 && text[links[len(links)-1][2]:links[len(links)-1][3]] == inlineTemplate {
		links = links[:len(links)-1]
	}
	first, last := links[0], links[len(links)-1]
	f := templateFailure{outer: text[first[2]:first[3]], file: text[last[2]:last[3]], msg: msg}
	f.line, _ = strconv.Atoi(text[last[4]:last[5]])
	if len(links) > 1 {
		f.through = []string{text[first[2]:first[3]] + ":" + text[first[4]:first[5]]}
	}
	return f
}

// parseTrace reads blocks of a place, what was executed there, and a message, each more indented
// than the one before.
func parseTrace(text string) templateFailure {
	var f templateFailure
	var msg []string
	for _, raw := range strings.Split(text, "\n") {
		line := strings.TrimSpace(raw)
		m := placeLine.FindStringSubmatch(line)
		switch {
		case m != nil && raw == line && m[1] == inlineTemplate && f.file != "":
			msg = nil
		case m != nil && raw == line:
			if f.file != "" {
				f.through = append(f.through, f.file+":"+strconv.Itoa(f.line))
			} else {
				f.outer = m[1]
			}
			f.file, msg = m[1], nil
			f.line, _ = strconv.Atoi(m[2])
		case strings.HasPrefix(line, "executing "):
		case line != "":
			msg = append(msg, line)
		}
	}
	if f.msg = strings.Join(msg, " "); f.msg == "" {
		f.msg = text
	}
	return f
}

// templateError makes the failure of a template one that names file and line below the chart.
func templateError(err error, chartName string) error {
	f := parseTemplateError(err)
	e := &model.Error{
		Kind: model.ErrInvalid, Reason: "TemplateError",
		File: below(f.file, chartName), Line: f.line, Msg: short(callError.ReplaceAllString(manifest.OneLine(f.msg), "")),
	}
	if len(f.through) > 0 {
		e.Msg += fmt.Sprintf(" (included from %s)", below(f.through[0], chartName))
	}
	switch {
	case f.refusal:
		e.Next = refusedNext
	case strings.Contains(f.msg, "nil pointer evaluating"):
		e.Next = "a value that the template goes into is missing: set it, or guard the template with `with` or `if`"
	}
	return e
}

// longest is how much of a template's message is told: a chart can put anything into it.
const longest = 1_000

func short(s string) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "..."
}

// below cuts the chart's name off: Helm names templates "chart/templates/x.yaml", people look for
// templates/x.yaml in the chart's folder.
func below(name, chartName string) string {
	return strings.TrimPrefix(name, chartName+"/")
}
