package report

import (
	"fmt"
	"os"
	"strings"
)

// Where a document wants the results of a benchmark.
func sectionBegin(benchmark string) string {
	return "<!-- results of scripts/bench " + benchmark + ": begin -->\n"
}

func sectionEnd(benchmark string) string {
	return "<!-- results of scripts/bench " + benchmark + ": end -->\n"
}

// UpdateDocument replaces the results of a benchmark in a document, which has
// to mark their place with two comments.
func UpdateDocument(path, benchmark string, r Results) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	updated, err := replaceSection(string(text), benchmark, Markdown(r))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}

func replaceSection(document, benchmark, results string) (string, error) {
	begin, end := sectionBegin(benchmark), sectionEnd(benchmark)
	before, rest, begins := strings.Cut(document, begin)
	_, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return "", fmt.Errorf("it lacks the lines %q and %q", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + "\n" + results + "\n" + end + after, nil
}
