package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table is rows of text under a header. Its first column is aligned to the
// left, those named by Left too, the others to the right.
type Table struct {
	header []string
	left   map[int]bool
	rows   [][]string
}

// NewTable takes the names of the columns.
func NewTable(header ...string) *Table {
	return &Table{header: header, left: map[int]bool{0: true}}
}

// Left aligns more columns to the left.
func (t *Table) Left(columns ...int) *Table {
	for _, column := range columns {
		t.left[column] = true
	}
	return t
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// text has columns of equal width, two spaces apart. A row may be shorter than
// the header: its last cell then may take all the room there is.
func (t *Table) text() string {
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

func (t *Table) markdown() string {
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
