package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Style is how text is drawn. The zero value is 100 columns, Unicode lines, no emphasis.
type Style struct {
	Width int  // columns; 0 is 100, negative never wraps
	ASCII bool // draw with ASCII characters only
	// Each wraps a text in its emphasis; nil leaves it as it is.
	Bad, Good, Warn, Dim, Bold func(string) string
}

func (s Style) width() int {
	switch {
	case s.Width == 0:
		return 100
	case s.Width < 0:
		return 0
	}
	return s.Width
}

// symbol is a drawing character, or what stands for it in ASCII.
func (s Style) symbol(unicode, ascii string) string {
	if s.ASCII {
		return ascii
	}
	return unicode
}

func in(emphasis func(string) string, text string) string {
	if emphasis == nil || text == "" {
		return text
	}
	return emphasis(text)
}

// columns is how wide a text is. Characters count as one column each: what is told is names, and
// logs that may be of any script.
func columns(s string) int { return utf8.RuneCountInString(s) }

// clean makes foreign text safe to show: no control characters, none that reorder text.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// minWrap is the least room for text beside its label: below that, wrapping would only shred it.
const minWrap = 24

// wrap breaks text into lines of at most width columns, at spaces where there are any; width 0
// breaks at line ends alone. Line breaks of the text stay.
func wrap(text string, width int) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(clean(text), "\n"), "\n") {
		if width <= 0 || columns(line) <= width {
			lines = append(lines, strings.TrimRight(line, " "))
			continue
		}
		lines = append(lines, wrapLine(line, max(width, minWrap))...)
	}
	return lines
}

func wrapLine(line string, width int) []string {
	var lines []string
	rest := []rune(line)
	for len(rest) > width {
		cut := width
		for i := width; i > width/2; i-- {
			if rest[i] == ' ' {
				cut = i
				break
			}
		}
		lines = append(lines, strings.TrimRight(string(rest[:cut]), " "))
		rest = []rune(strings.TrimLeft(string(rest[cut:]), " "))
	}
	if len(rest) > 0 {
		lines = append(lines, strings.TrimRight(string(rest), " "))
	}
	return lines
}
