package scaling

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Sizes of the picture, in pixels.
const (
	panelWidth  = 430.0
	panelHeight = 200.0
	margin      = 50.0
	columns     = 2
)

var colours = map[string]string{byThresholds: "#c40", byDefault: "#06c"}

// Picture is an SVG with a panel for each shape: the calls that run at once when
// none has to wait, and the instances that are ready under each scaler.
func (r *Report) Picture() string {
	var names []string
	for _, row := range r.Rows {
		if _, known := findShape(row.Shape); known && !slices.Contains(names, row.Shape) {
			names = append(names, row.Shape)
		}
	}
	rows := (len(names) + columns - 1) / columns
	width := columns*(panelWidth+margin) + margin
	height := float64(rows)*(panelHeight+margin) + 2*margin
	var svg strings.Builder
	fmt.Fprintf(&svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" font-family=\"sans-serif\" font-size=\"11\">\n", width, height)
	svg.WriteString("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n")
	r.drawLegend(&svg)
	most := r.mostInstances()
	for i, name := range names {
		x := margin + float64(i%columns)*(panelWidth+margin)
		y := margin + float64(i/columns)*(panelHeight+margin)
		panel{r, &svg, x, y, most}.draw(name)
	}
	svg.WriteString("</svg>\n")
	return svg.String()
}

func (r *Report) drawLegend(svg *strings.Builder) {
	x := margin
	for _, entry := range [][2]string{{"#999", "calls at once, if none waits"}, {colours[byThresholds], "ready, thresholds"}, {colours[byDefault], "ready, default"}} {
		fmt.Fprintf(svg, "<path d=\"M%.0f 20h20\" stroke=\"%s\" stroke-width=\"2\"/><text x=\"%.0f\" y=\"24\">%s</text>\n", x, entry[0], x+26, entry[1])
		x += 210
	}
}

func (r *Report) mostInstances() float64 {
	most := r.High * r.Work.Seconds()
	for _, row := range r.Rows {
		for _, l := range row.Looks {
			most = max(most, float64(l.Ready))
		}
	}
	return max(most, 1)
}

// panel is one part of the picture, with its upper left corner.
type panel struct {
	report *Report
	svg    *strings.Builder
	x, y   float64
	most   float64
}

func (p panel) draw(name string) {
	fmt.Fprintf(p.svg, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"13\">%s</text>\n", p.x, p.y-6, name)
	p.axes()
	s, _ := findShape(name)
	offered := p.report.offered(s)
	const steps = 400
	var line []string
	for i := range steps + 1 {
		at := p.report.Length * time.Duration(i) / steps
		line = append(line, p.point(at, offered(at)))
	}
	p.line(line, "#999")
	for _, row := range p.report.Rows {
		if row.Shape == name {
			p.line(p.steps(row.Looks), colours[row.Scaler])
		}
	}
}

func (p panel) axes() {
	fmt.Fprintf(p.svg, "<path d=\"M%.1f %.1fv%.1fh%.1f\" fill=\"none\" stroke=\"#888\"/>\n", p.x, p.y, panelHeight, panelWidth)
	for _, value := range []float64{0, p.most / 2, p.most} {
		fmt.Fprintf(p.svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n", p.x-6, p.y+panelHeight*(1-value/p.most)+4, value)
	}
	for i := range 4 {
		at := p.report.Length * time.Duration(i) / 3
		fmt.Fprintf(p.svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.0f s</text>\n", p.x+panelWidth*float64(i)/3, p.y+panelHeight+16, at.Seconds())
	}
}

func (p panel) point(at time.Duration, value float64) string {
	return fmt.Sprintf("%.1f,%.1f", p.x+panelWidth*min(1, float64(at)/float64(max(p.report.Length, 1))), p.y+panelHeight*(1-value/p.most))
}

// steps keep the number of a look until the next.
func (p panel) steps(looks []Look) []string {
	var line []string
	for i, l := range looks {
		if i > 0 {
			line = append(line, p.point(l.At, float64(looks[i-1].Ready)))
		}
		line = append(line, p.point(l.At, float64(l.Ready)))
	}
	return line
}

func (p panel) line(points []string, colour string) {
	fmt.Fprintf(p.svg, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"%s\"/>\n", colour, strings.Join(points, " "))
}
