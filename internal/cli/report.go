package cli

import (
	"github.com/fairlead-cd/fairlead/internal/output"
	"github.com/fairlead-cd/fairlead/internal/report"
)

// ReportStyle draws reports as the stream that paint and width belong to can show them.
func ReportStyle(paint output.Paint, width int) report.Style {
	style := report.Style{Width: -1}
	if width > 0 {
		style.Width = width
	}
	if !paint.On() {
		return style
	}
	in := func(s output.Style) func(string) string {
		return func(text string) string { return paint.Text(s, text) }
	}
	style.Bad, style.Good, style.Warn = in(output.Bad), in(output.Good), in(output.Busy)
	style.Dim, style.Bold = in(output.Quiet), in(output.Strong)
	return style
}
