package check

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-cd/fairlead/internal/chart/kubeschema"
	"github.com/fairlead-cd/fairlead/internal/pattern"
)

// place is where in a chart something is written.
type place struct {
	line  int
	near  bool
	value string // the one value that the line uses
}

// find looks for a field of a rendered object in the template it came from. Templates are no YAML,
// so the way goes by the names and the indentation of their lines; where an include or toYaml writes
// the rest, the last line that could be found is the nearest.
func (s *subject) find(file string, o *Object, path kubeschema.Path) place {
	lines, ok := s.texts[file]
	if !ok {
		return place{}
	}
	b := documentOf(lines, o)
	at := place{line: b.head + 1}
	var value any = o.Body
	for _, step := range path {
		next, ok := b.step(step, value)
		value = down(value, step)
		if !ok {
			at.near = !flow.MatchString(lines[at.line-1])
			break
		}
		b, at.line = next, next.head+1
	}
	if !at.near {
		at.value = valueOn(lines[at.line-1])
	}
	return at
}

// block is a part of a template: the lines of one value.
type block struct {
	lines      []string
	head       int // the line it begins with
	start, end int // the lines below
	indent     int // of the key it belongs to; -1 for a document
}

// documentOf is the part of a template that an object was made by: the document with its kind, and
// among several the one whose name looks most like its own.
func documentOf(lines []string, o *Object) block {
	best, score := block{lines: lines, end: len(lines), indent: -1, head: firstLine(lines, 0, len(lines))}, -1
	start := 0
	for i := 0; i <= len(lines); i++ {
		if i < len(lines) && !strings.HasPrefix(lines[i], "---") {
			continue
		}
		b := block{lines: lines, start: start, end: i, indent: -1, head: firstLine(lines, start, i)}
		if n := b.resembles(o); n > score {
			best, score = b, n
		}
		start = i + 1
	}
	return best
}

func firstLine(lines []string, start, end int) int {
	for i := start; i < end; i++ {
		if keyLine.MatchString(lines[i]) {
			return i
		}
	}
	return min(start, len(lines)-1)
}

// resembles says how much a document looks like an object, -1 for not at all.
func (b block) resembles(o *Object) int {
	score := -1
	for i := b.start; i < b.end; i++ {
		line := strings.TrimSpace(b.lines[i])
		if kind, ok := strings.CutPrefix(line, "kind:"); ok && !strings.HasPrefix(b.lines[i], " ") {
			kind = strings.Trim(strings.TrimSpace(kind), `"'`)
			switch {
			case kind == o.Key.Kind:
				score = max(score, 1)
			case strings.Contains(kind, "{{"):
				score = max(score, 0)
			default:
				return -1
			}
		}
		if name, ok := strings.CutPrefix(line, "name:"); ok && score >= 0 && strings.HasPrefix(b.lines[i], "  name:") {
			return score + 2*sharedEnd(strings.Trim(strings.TrimSpace(name), `"'`), o.Key.Name)
		}
	}
	return score
}

// sharedEnd is how many letters at the end of both are the same: templates make the beginning of a
// name and write its end.
func sharedEnd(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

var (
	keyLine  = pattern.New(`^(\s*(?:- )*)"?([A-Za-z0-9_./-]+)"?:(?:\s|$)`)
	itemLine = pattern.New(`^(\s*)-(?:\s|$)`)
	flow     = pattern.New(`:\s*(\[|\{([^{]|$))`) // the rest is on the same line
	valueUse = pattern.New(`\.Values\.([A-Za-z0-9_.]+)`)
)

// down goes one step down in an object; nil where there is nothing.
func down(value any, s kubeschema.Step) any {
	if s.Field != "" {
		return at(value, s.Field)
	}
	if list, ok := value.([]any); ok && s.Index < len(list) {
		return list[s.Index]
	}
	return nil
}

// step goes one step down: to a field, or to an element of a list, of which value is what was
// rendered.
func (b block) step(s kubeschema.Step, value any) (block, bool) {
	if s.Field == "" {
		return b.item(s.Index, textAt(down(value, s), "name"))
	}
	found, least := -1, 1<<30
	for i := b.start; i < b.end; i++ {
		m := keyLine.FindStringSubmatch(b.lines[i])
		if m == nil || m[2] != s.Field {
			continue
		}
		if col := len(m[1]); col > b.indent && col < least {
			found, least = i, col
		}
	}
	if found < 0 {
		return b, false
	}
	return b.below(found, least), true
}

// item is the element of a list that has a name, or the n-th. A loop writes several from one, and a
// condition leaves some out.
func (b block) item(n int, name string) (block, bool) {
	var items []int
	least := 1 << 30
	for i := b.start; i < b.end; i++ {
		m := itemLine.FindStringSubmatch(b.lines[i])
		if m == nil || len(m[1]) < b.indent || len(m[1]) > least {
			continue
		}
		if len(m[1]) < least {
			items, least = nil, len(m[1])
		}
		items = append(items, i)
	}
	if len(items) == 0 {
		return b, false
	}
	element := func(at int) block {
		e := b.below(at, least)
		e.start = at // its first key is on the line of the dash
		return e
	}
	for _, i := range items {
		if e := element(i); name != "" && e.named(name, least) {
			return e, true
		}
	}
	return element(items[min(n, len(items)-1)]), true
}

// named reports whether an element says that its name is this one.
func (b block) named(name string, indent int) bool {
	for i := b.start; i < b.end; i++ {
		m := keyLine.FindStringSubmatch(b.lines[i])
		if m == nil || m[2] != "name" || len(m[1]) != indent+2 {
			continue
		}
		return strings.Trim(strings.TrimSpace(b.lines[i][strings.Index(b.lines[i], "name")+len("name:"):]), `"'`) == name
	}
	return false
}

// below is the part of b that hangs on a line of the given indentation.
func (b block) below(at, indent int) block {
	end := at + 1
	for ; end < b.end; end++ {
		line := b.lines[end]
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' || strings.HasPrefix(text, "{{") {
			continue
		}
		col := len(line) - len(strings.TrimLeft(line, " "))
		if col < indent || col == indent && (!strings.HasPrefix(text, "- ") || itemLine.MatchString(b.lines[at])) {
			break
		}
	}
	return block{lines: b.lines, head: at, start: at + 1, end: end, indent: indent}
}

// valueOn is the value that a line of a template uses, if it uses just one.
func valueOn(line string) string {
	var names []string
	for _, m := range valueUse.FindAllStringSubmatch(line, -1) {
		if name := strings.TrimRight(m[1], "."); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

// valueLine is the line of a values file that sets a value, 0 when none does.
func (s *subject) valueLine(file string, steps []string) int {
	lines, ok := s.texts[file]
	if !ok {
		return 0
	}
	b := block{lines: lines, end: len(lines), indent: -1}
	for _, name := range steps {
		next, ok := b.step(kubeschema.Step{Field: name}, nil)
		if !ok {
			return 0
		}
		b = next
	}
	return b.head + 1
}

// parsePath reads a field as API servers write it: "spec.ports[0].name",
// "metadata.labels[app.kubernetes.io/name]".
func parsePath(text string) kubeschema.Path {
	var p kubeschema.Path
	for text != "" {
		switch {
		case text[0] == '.':
			text = text[1:]
		case text[0] == '[':
			inner, rest, ok := strings.Cut(text[1:], "]")
			if !ok {
				return p
			}
			if n, err := strconv.Atoi(inner); err == nil {
				p = p.At(n)
			} else {
				p = p.Field(strings.Trim(inner, `"`))
			}
			text = rest
		default:
			end := strings.IndexAny(text, ".[")
			if end < 0 {
				end = len(text)
			}
			p, text = p.Field(text[:end]), text[end:]
		}
	}
	return p
}
