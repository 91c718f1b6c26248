package output

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Column is one column of a table.
type Column struct {
	Name  string
	Wide  bool               // shown with -o wide only
	Style func(string) Style // of a cell; nil is Plain
}

// Table prints rows under headers, columns as wide as their widest cell. The last column is cut
// where the terminal ends; others never are.
type Table struct {
	Columns []Column
	Wide    bool
	Width   int // of the terminal; 0 is unlimited
	Paint   Paint

	widths []int // kept between calls, so that a stream of rows stays aligned
	headed bool
}

const gap = 3

// leastLast is what is always shown of the last column: on a narrow terminal its lines wrap.
const leastLast = 40

// Write prints rows, and the headers when it did not yet. Each row has a cell for every column,
// wide ones included; an empty cell prints as "-".
func (t *Table) Write(w io.Writer, rows ...[]string) error {
	t.measure(rows)
	var b strings.Builder
	if !t.headed {
		t.headed = true
		head := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			head[i] = c.Name
		}
		t.line(&b, head, func(int, string) Style { return Quiet })
	}
	for _, row := range rows {
		t.line(&b, row, func(i int, s string) Style {
			if f := t.Columns[i].Style; f != nil {
				return f(s)
			}
			return Plain
		})
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("writing the output: %w", err)
	}
	return nil
}

// Reset makes the next Write print the headers again.
func (t *Table) Reset() { t.headed = false }

func (t *Table) measure(rows [][]string) {
	if t.widths == nil {
		t.widths = make([]int, len(t.Columns))
		for i, c := range t.Columns {
			t.widths[i] = utf8.RuneCountInString(c.Name)
		}
	}
	for _, row := range rows {
		for i := range row {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell(row[i])))
		}
	}
}

func (t *Table) line(b *strings.Builder, row []string, style func(int, string) Style) {
	last := len(t.Columns) - 1
	for last > 0 && t.Columns[last].Wide && !t.Wide {
		last--
	}
	used, pad := 0, 0
	for i := 0; i <= last; i++ {
		if t.Columns[i].Wide && !t.Wide {
			continue
		}
		s := cell(row[i])
		if i == last && t.Width > 0 {
			s = Cut(s, max(t.Width-used-pad, leastLast))
		}
		b.WriteString(strings.Repeat(" ", pad))
		b.WriteString(t.Paint.Text(style(i, s), s))
		used += pad + utf8.RuneCountInString(s)
		pad = t.widths[i] - utf8.RuneCountInString(s) + gap
	}
	b.WriteByte('\n')
}

func cell(s string) string {
	if s == "" {
		return "-"
	}
	return Clean(s)
}
