package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Failure is one failed run of a release, as it is told.
type Failure struct {
	Release  string        // "shop/api"
	After    time.Duration // from the start of the run to its failure; 0 is left out
	From, To int           // revisions; 0 is left out
	Commit   string        // full or short, cut to seven; a chart version stays as it is
	Causes   []model.Cause
	Err      error // why, where no object is the cause: a template error, a denied read
	Counts   Counts
	Rollback *Rollback
	Note     string // what became of the release, where there was no rollback: "revision 41 still runs"
	Next     string // what to do; empty is "fairlead why RELEASE"
}

// Counts says how far the run came, in objects.
type Counts struct {
	Done, Failed, NotStarted int
}

// Rollback is what became of going back.
type Rollback struct {
	Revision int      // 0: there was none before, and what the run made was removed again
	Kept     []string // what the run took over, which was there before and stays as it was applied
	Status   model.HealthStatus
	After    time.Duration
	Err      error
}

// CountsOf counts the results of a run: unchanged and written objects are done, but for those that
// a cause is about.
func CountsOf(results []model.Result, causes []model.Cause) Counts {
	failed := map[model.ObjectKey]bool{}
	for i := range causes {
		failed[causes[i].Object] = true
	}
	var c Counts
	for i := range results {
		r := &results[i]
		switch {
		case r.Skipped:
			c.NotStarted++
		case r.Err != nil || failed[r.Change.Key]:
			c.Failed++
		default:
			c.Done++
		}
	}
	return c
}

// Text is the whole report, several lines, ending with a newline: what failed, the chain to each
// cause, how far the run came, and what to do next.
func (f *Failure) Text(s Style) string {
	b := &block{style: s}
	b.line("%s %s", in(s.Bad, s.symbol("✗", "x")+" "+clean(f.Release)+" failed"+f.after()), f.revisions())
	for i := range f.Causes {
		b.cause(&f.Causes[i])
	}
	if f.Err != nil && len(f.Causes) == 0 {
		b.errorOf(f.Err)
	}
	if sum := f.summary(s); sum != "" {
		b.line("  %s", sum)
	}
	for i, next := range f.nexts() {
		label := ""
		if i == 0 {
			label = "next"
		}
		b.labelled(2, label, next, nil)
	}
	return b.String()
}

func (f *Failure) after() string {
	if f.After <= 0 {
		return ""
	}
	return " after " + rounded(f.After)
}

// revisions is "(revision 41 -> 42, commit 9f3c1ab)", as far as it is known.
func (f *Failure) revisions() string {
	var parts []string
	switch {
	case f.From > 0 && f.To > 0 && f.From != f.To:
		parts = append(parts, fmt.Sprintf("revision %d -> %d", f.From, f.To))
	case f.To > 0:
		parts = append(parts, fmt.Sprintf("revision %d", f.To))
	}
	if f.Commit != "" {
		parts = append(parts, commit(clean(f.Commit)))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// commit shortens what looks like a commit and leaves versions alone.
func commit(c string) string {
	if len(c) >= 7 && strings.Trim(c, "0123456789abcdef") == "" {
		return "commit " + c[:7]
	}
	return c
}

// summary is "done 4 · failed 1 · not started 2 · rolled back to revision 41 (healthy, 12s)".
func (f *Failure) summary(s Style) string {
	var parts []string
	count := func(n int, word string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", word, n))
		}
	}
	count(f.Counts.Done, "done")
	count(f.Counts.Failed, "failed")
	count(f.Counts.NotStarted, "not started")
	if r := f.Rollback; r != nil {
		parts = append(parts, r.text(s))
	}
	if f.Note != "" {
		parts = append(parts, clean(f.Note))
	}
	return strings.Join(parts, s.symbol(" · ", ", "))
}

func (r *Rollback) text(s Style) string {
	if r.Revision == 0 {
		return r.removed(s)
	}
	if r.Err != nil {
		return in(s.Bad, fmt.Sprintf("not rolled back to revision %d: %s", r.Revision, oneLine(r.Err.Error())))
	}
	how := strings.ToLower(string(r.Status))
	if r.After > 0 {
		how += ", " + rounded(r.After)
	}
	text := fmt.Sprintf("rolled back to revision %d (%s)", r.Revision, how)
	if r.Status == model.Healthy {
		return in(s.Good, text)
	}
	return in(s.Bad, text)
}

// removed is what became of a first install that failed.
func (r *Rollback) removed(s Style) string {
	if r.Err != nil {
		return in(s.Bad, "not removed again: "+oneLine(r.Err.Error()))
	}
	text := "removed again: nothing was there before"
	if len(r.Kept) > 0 {
		text = "what it made is removed again; left as applied, for it was there before: " + clean(strings.Join(r.Kept, ", "))
	}
	if r.After > 0 {
		text += " (" + rounded(r.After) + ")"
	}
	return in(s.Good, text)
}

// nexts are the first cause's advice and the command that tells more.
func (f *Failure) nexts() []string {
	var out []string
	if len(f.Causes) > 0 && f.Causes[0].Next != "" {
		out = append(out, f.Causes[0].Next)
	} else if next := nextOf(f.Err); next != "" {
		out = append(out, next)
	}
	more := f.Next
	if more == "" {
		more = "fairlead why " + f.Release
	}
	if len(out) == 0 || out[0] != more {
		out = append(out, more)
	}
	return out
}

// lineLimit keeps a report within the message of an event, which the API server bounds at 1024.
const lineLimit = 900

// Line is the report in one line, for a status condition or an event: the first cause from the
// object to the root.
func (f *Failure) Line() string {
	text := "failed" + f.after()
	switch {
	case len(f.Causes) > 0:
		text += ": " + CauseLine(&f.Causes[0])
		if n := len(f.Causes) - 1; n > 0 {
			text += fmt.Sprintf(" (and %d more)", n)
		}
	case f.Err != nil:
		text += ": " + oneLine(f.Err.Error())
	}
	if f.Rollback != nil {
		text += "; " + f.Rollback.text(Style{})
	}
	return cut(text, lineLimit)
}

// CauseLine is a cause in one line: object, what can be seen, root.
func CauseLine(c *model.Cause) string {
	text := c.Object.Short() + " " + c.Summary
	root := ""
	for _, l := range c.Links {
		switch l.Role {
		case model.RoleObject:
			if l.Object.Kind == "Pod" && l.Text != "" {
				text += ": " + l.Object.Short() + " " + l.Text
			}
		case model.RoleCause, model.RoleSource:
			root += ": " + l.Text
		}
	}
	return oneLine(text + root)
}

func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-3], "") + "..."
}

func rounded(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
