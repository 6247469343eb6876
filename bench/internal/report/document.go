package report

import (
	"fmt"
	"os"
	"strings"
)

// Where a document wants the results.
const (
	sectionBegin = "<!-- results of scripts/bench cold: begin -->\n"
	sectionEnd   = "<!-- results of scripts/bench cold: end -->\n"
)

// UpdateDocument replaces the results in a document, which has to mark their
// place with two comments.
func (r *Report) UpdateDocument(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	updated, err := replaceSection(string(text), r.Markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}

func replaceSection(document, results string) (string, error) {
	before, rest, begins := strings.Cut(document, sectionBegin)
	_, after, ends := strings.Cut(rest, sectionEnd)
	if !begins || !ends {
		return "", fmt.Errorf("it lacks the lines %q and %q", strings.TrimSpace(sectionBegin), strings.TrimSpace(sectionEnd))
	}
	return before + sectionBegin + "\n" + results + "\n" + sectionEnd + after, nil
}
