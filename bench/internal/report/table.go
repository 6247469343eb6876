package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// table is rows of text under a header. Its first column is aligned to the
// left, those named in `left` too, the others to the right.
type table struct {
	header []string
	left   map[int]bool
	rows   [][]string
}

func newTable(header ...string) *table {
	return &table{header: header, left: map[int]bool{0: true}}
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// text has columns of equal width, two spaces apart. A row may be shorter than
// the header: its last cell then may take all the room there is.
func (t *table) text() string {
	widths := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, cell := range row {
			if i == len(row)-1 && len(row) < len(t.header) {
				continue
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	for n, row := range append([][]string{t.header}, t.rows...) {
		if n == 1 {
			total := 2 * (len(widths) - 1)
			for _, width := range widths {
				total += width
			}
			out.WriteString(strings.Repeat("-", total) + "\n")
		}
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			padding := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell)))
			if t.left[i] || len(row) < len(t.header) {
				line.WriteString(cell + padding)
			} else {
				line.WriteString(padding + cell)
			}
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return out.String()
}

func (t *table) markdown() string {
	var out strings.Builder
	line := func(cells []string) {
		out.WriteString("|")
		for i := range t.header {
			cell := ""
			if i < len(cells) {
				cell = strings.NewReplacer("|", `\|`, "\n", " ").Replace(cells[i])
			}
			fmt.Fprintf(&out, " %s |", cell)
		}
		out.WriteString("\n")
	}
	line(t.header)
	out.WriteString("|")
	for i := range t.header {
		if t.left[i] {
			out.WriteString("---|")
		} else {
			out.WriteString("---:|")
		}
	}
	out.WriteString("\n")
	for _, row := range t.rows {
		line(row)
	}
	return out.String()
}
