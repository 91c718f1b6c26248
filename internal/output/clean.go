package output

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes foreign text safe to print on a line of a terminal: no control characters, no escape
// sequences, no characters that reorder text (Trojan Source); line breaks become spaces.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), bidi(r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// CleanBlock is Clean for text of several lines: line breaks and tabs stay.
func CleanBlock(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for j := range cells {
			cells[j] = Clean(cells[j])
		}
		lines[i] = strings.Join(cells, "\t")
	}
	return strings.Join(lines, "\n")
}

func bidi(r rune) bool {
	return r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069'
}

// Cut shortens s to width characters, ending in "…" when something was lost. A width below 1 keeps
// all of it.
func Cut(s string, width int) string {
	if width < 1 || utf8.RuneCountInString(s) <= width {
		return s
	}
	r := []rune(s)
	return string(r[:width-1]) + "…"
}
