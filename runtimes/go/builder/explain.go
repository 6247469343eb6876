package main

import (
	"path/filepath"
	"strings"
)

const dependencyHint = "dependencies must be in vendor/ (go mod vendor); " +
	"without a go.mod there is github.com/aws/aws-lambda-go"

// explain makes of what the go command printed lines that begin with
// "file:line:col: " wherever there is a position, files named relative to the
// source.
func explain(output, source string) string {
	var lines []string
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "# "):
			// The name of a package.
		case line[0] == '\t' || line[0] == ' ':
			line = strings.TrimSpace(line)
			// Advice that needs the network helps nobody here.
			if len(lines) > 0 && !strings.HasPrefix(line, "go get ") && !strings.HasPrefix(line, "go mod ") {
				lines[len(lines)-1] += " " + line
			}
		default:
			line = strings.TrimPrefix(line, "./")
			line = strings.ReplaceAll(line, source+string(filepath.Separator), "")
			lines = append(lines, hint(line))
		}
	}
	if len(lines) == 0 {
		return "the go command failed without a message"
	}
	return strings.Join(lines, "\n")
}

func hint(line string) string {
	for _, missing := range []string{"no required module provides", "module lookup disabled", "is not in std", "cannot find module providing", "missing go.sum entry"} {
		if strings.Contains(line, missing) {
			line, _, _ = strings.Cut(line, "; to add")
			return line + "; " + dependencyHint
		}
	}
	return line
}
