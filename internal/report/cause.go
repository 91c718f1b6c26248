package report

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/model"
)

// Columns of a report: where texts begin beside the names of objects, and how wide labels are.
const (
	nameColumn  = 28
	labelColumn = 11
)

// Causes is the chain from each object down to its root, as it stands in a failure's report, with
// what to do next below it.
func Causes(causes []model.Cause, s Style) string {
	b := &block{style: s}
	for i := range causes {
		depth := b.cause(&causes[i])
		if causes[i].Next != "" {
			b.labelled(depth, "next", causes[i].Next, nil)
		}
	}
	return b.String()
}

// block is text in the making.
type block struct {
	strings.Builder
	style Style
}

func (b *block) line(format string, args ...any) {
	b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// cause writes the object, the objects below it as a branch, and what was found at its end. It
// returns the column of the labels.
func (b *block) cause(c *model.Cause) int {
	b.named("  ", clean(c.Object.Short()), c.Summary, b.style.Bold)
	depth := 3
	links := visible(c)
	for _, l := range links {
		switch l.Role {
		case model.RoleObject:
			mark := strings.Repeat(" ", depth) + b.style.symbol("└ ", "`- ")
			b.named(mark, clean(l.Object.Short()), l.Text, nil)
			depth += 2
		}
	}
	if depth == 3 {
		depth = 5
	}
	depth += 2
	for _, l := range links {
		switch l.Role {
		case model.RoleLog:
			b.labelled(depth, "last log", l.Text, b.style.Dim)
		case model.RoleEvent:
			b.labelled(depth, "event", l.Text, b.style.Dim)
		case model.RoleCause:
			b.labelled(depth, "cause", l.Text, b.style.Bad)
		case model.RoleSource:
			b.labelled(depth, "source", l.Text, nil)
		}
	}
	return depth
}

// visible leaves out links that say nothing a reader needs: a ReplicaSet on the way to its pod,
// the object itself again without more to say, an event that the cause repeats word for word.
func visible(c *model.Cause) []model.Link {
	var out []model.Link
	root := c.Root()
	for i, l := range c.Links {
		next := i+1 < len(c.Links) && c.Links[i+1].Role == model.RoleObject
		switch {
		case l.Role == model.RoleObject && l.Object.Kind == "ReplicaSet" && next:
		case l.Role == model.RoleObject && l.Object == c.Object && l.Text == c.Summary:
		case l.Role == model.RoleEvent && strings.HasSuffix(l.Text, ": "+root):
		default:
			out = append(out, l)
		}
	}
	return out
}

// named writes an object's name and, from one column on, what is said of it.
func (b *block) named(mark, name, text string, emphasis func(string) string) {
	room := max(nameColumn-columns(mark), columns(name)+2)
	lines := wrap(text, b.room(columns(mark)+room))
	b.line("%s%s%s", mark, in(emphasis, name)+strings.Repeat(" ", room-columns(name)), lines[0])
	for _, l := range lines[1:] {
		b.line("%s%s", strings.Repeat(" ", columns(mark)+room), l)
	}
}

// labelled writes text beside a label, its further lines below its first.
func (b *block) labelled(depth int, label, text string, emphasis func(string) string) {
	at := depth + labelColumn
	for i, l := range wrap(text, b.room(at)) {
		lead := strings.Repeat(" ", at)
		if i == 0 && label != "" {
			lead = strings.Repeat(" ", depth) + in(b.style.Dim, label) + strings.Repeat(" ", labelColumn-columns(label))
		}
		b.line("%s%s", lead, in(emphasis, l))
	}
}

func (b *block) room(used int) int {
	if w := b.style.width(); w > 0 {
		return max(w-used, minWrap)
	}
	return 0
}

// errorOf tells an error that is of no live object: where it is, then what.
func (b *block) errorOf(err error) {
	b.labelled(2, "cause", err.Error(), b.style.Bad)
	var e *model.Error
	if errors.As(err, &e) && e.File != "" && !strings.Contains(err.Error(), e.File) {
		b.labelled(2, "source", fmt.Sprintf("%s:%d", e.File, e.Line), nil)
	}
}

func nextOf(err error) string {
	var e *model.Error
	if errors.As(err, &e) {
		return e.Next
	}
	return ""
}
