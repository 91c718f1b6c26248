package output

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Branch is one line of a tree and what hangs below it.
type Branch struct {
	Name     string
	Status   string // a word
	Text     string
	Children []Branch
}

// WriteTree prints branches with their statuses and texts in columns, indented by indent.
func WriteTree(w io.Writer, paint Paint, width int, indent string, branches []Branch) error {
	type line struct {
		name string
		b    *Branch
	}
	var lines []line
	var walk func(bs []Branch, lead string, top bool)
	walk = func(bs []Branch, lead string, top bool) {
		for i := range bs {
			mark, next := lead+"├ ", lead+"│ "
			if i == len(bs)-1 {
				mark, next = lead+"└ ", lead+"  "
			}
			if top {
				mark, next = "", ""
			}
			lines = append(lines, line{mark + Clean(bs[i].Name), &bs[i]})
			walk(bs[i].Children, next, false)
		}
	}
	walk(branches, "", true)
	name, status := 0, 0
	for _, l := range lines {
		name = max(name, utf8.RuneCountInString(l.name))
		status = max(status, utf8.RuneCountInString(l.b.Status))
	}
	var b strings.Builder
	for _, l := range lines {
		used := len(indent) + name + gap + status + gap
		text := Clean(l.b.Text)
		if width > 0 {
			text = Cut(text, max(width-used, 20))
		}
		text = strings.TrimRight(pad(l.name, name+gap)+paint.Text(StatusStyle(l.b.Status), Clean(l.b.Status))+
			strings.Repeat(" ", status+gap-utf8.RuneCountInString(l.b.Status))+text, " ")
		b.WriteString(indent + text + "\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	return nil
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
