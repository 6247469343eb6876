package report

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Section is a title, words, and a table or none.
type Section struct {
	Title string
	Words []string
	Table *Table
}

// ErrFailed ends a run that was measured as a whole, and failed by what it has
// measured.
var ErrFailed = errors.New("an aim was missed")

// Results are the report of one benchmark.
type Results interface {
	Sections() []Section
	// Judge fills in the aims from everything else.
	Judge()
}

// Text is for terminals.
func Text(r Results) string {
	var out strings.Builder
	for _, s := range r.Sections() {
		fmt.Fprintf(&out, "%s\n\n", strings.ToUpper(s.Title))
		for _, line := range s.Words {
			fmt.Fprintf(&out, "%s\n", line)
		}
		if s.Table != nil {
			if len(s.Words) > 0 {
				out.WriteString("\n")
			}
			out.WriteString(s.Table.text())
		}
		out.WriteString("\n")
	}
	return out.String()
}

// Markdown is for documents; its headings are of the third level.
func Markdown(r Results) string {
	var out strings.Builder
	for _, s := range r.Sections() {
		fmt.Fprintf(&out, "### %s\n\n", s.Title)
		for _, line := range s.Words {
			fmt.Fprintf(&out, "- %s\n", line)
		}
		if s.Table != nil {
			if len(s.Words) > 0 {
				out.WriteString("\n")
			}
			out.WriteString(s.Table.markdown())
		}
		out.WriteString("\n")
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// Milliseconds as tables show them.
func Milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1000) }

const megabyte = 1 << 20

// Megabytes as tables show them.
func Megabytes(bytes float64) string { return fmt.Sprintf("%.2f", bytes/megabyte) }
