package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// plot draws a value of one workload over the number of releases, a line for each subject.
type plot struct {
	file, title, unit, workload string
	value                       func(*Run) float64
}

// The size of a plot and what is left around it.
const (
	plotWidth, plotHeight = 640.0, 360.0
	plotLeft, plotRight   = 64.0, 170.0
	plotTop, plotBottom   = 40.0, 44.0
	plotInnerW            = plotWidth - plotLeft - plotRight
	plotInnerH            = plotHeight - plotTop - plotBottom
	plotTicks             = 5
	plotText              = "font-family:system-ui,sans-serif;font-size:12px"
)

// plotStyle follows the page where the picture is looked at by itself or in a page that does, too.
const plotStyle = `<style>
text { fill: #57606a } line { stroke: #d0d7de; stroke-width: 1 }
@media (prefers-color-scheme: dark) { text { fill: #9198a1 } line { stroke: #30363d } }
</style>
`

// Colours that tell apart on light and dark pages, and for most who see colours differently; each
// line is labelled at its end as well.
var plotColors = []string{"#6e7781", "#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989"}

// draw gives the picture, or nothing where there are fewer than two sizes.
func (p *plot) draw(r *Result) string {
	sizes := r.sizes()
	if len(sizes) < 2 {
		return ""
	}
	most := 0.0
	for _, s := range r.subjects() {
		for _, n := range sizes {
			if run := r.find(s, p.workload, n); run != nil && run.Missing == "" {
				most = max(most, p.value(run))
			}
		}
	}
	if most <= 0 {
		return ""
	}
	step := niceStep(most / plotTicks)
	top := step * math.Ceil(most/step)
	x := func(n int) float64 { return plotLeft + plotInnerW*float64(n)/float64(sizes[len(sizes)-1]) }
	y := func(v float64) float64 { return plotTop + plotInnerH*(1-v/top) }

	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="%s">`+"\n", plotWidth, plotHeight, html.EscapeString(p.title))
	b.WriteString(plotStyle)
	fmt.Fprintf(&b, `<text x="%g" y="20" style="%s;font-size:14px;font-weight:600">%s (%s)</text>`+"\n", plotLeft, plotText, html.EscapeString(p.title), p.unit)
	for v := 0.0; v <= top*1.0001; v += step {
		fmt.Fprintf(&b, `<line x1="%g" y1="%.1f" x2="%g" y2="%.1f"/><text x="%g" y="%.1f" text-anchor="end" style="%s">%g</text>`+"\n",
			plotLeft, y(v), plotLeft+plotInnerW, y(v), plotLeft-8, y(v)+4, plotText, math.Round(v*1000)/1000)
	}
	for _, n := range sizes {
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle" style="%s">%d</text>`+"\n", x(n), plotTop+plotInnerH+18, plotText, n)
	}
	fmt.Fprintf(&b, `<text x="%g" y="%g" text-anchor="middle" style="%s">releases</text>`+"\n", plotLeft+plotInnerW/2, plotHeight-8, plotText)
	p.lines(&b, r, x, y)
	b.WriteString("</svg>\n")
	return b.String()
}

// lines draws the subjects. Labels that would lie on each other are moved apart.
func (p *plot) lines(b *strings.Builder, r *Result, x func(int) float64, y func(float64) float64) {
	var taken []float64
	for k, s := range r.subjects() {
		var points []string
		var endX, endY float64
		for _, n := range r.sizes() {
			run := r.find(s, p.workload, n)
			if run == nil || run.Missing != "" || p.value(run) <= 0 {
				continue
			}
			endX, endY = x(n), y(p.value(run))
			points = append(points, fmt.Sprintf("%.1f,%.1f", endX, endY))
		}
		if len(points) == 0 {
			continue
		}
		color := plotColors[k%len(plotColors)]
		fmt.Fprintf(b, `<polyline points="%s" style="fill:none;stroke:%s;stroke-width:2"/>`+"\n", strings.Join(points, " "), color)
		label := endY
		for moved := true; moved; {
			moved = false
			for _, t := range taken {
				if math.Abs(t-label) < 14 {
					label, moved = t-14, true
				}
			}
		}
		taken = append(taken, label)
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" style="fill:%s"/><text x="%.1f" y="%.1f" style="%s;fill:%s">%s</text>`+"\n",
			endX, endY, color, endX+8, label+4, plotText, color, html.EscapeString(s))
	}
}

// niceStep is the next of 1, 2 and 5 times a power of ten.
func niceStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power {
			return m * power
		}
	}
	return 10 * power
}
