package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMainFor(t *testing.T) {
	const handler = "func Handler() {}\n"
	for _, test := range []struct {
		name    string
		files   map[string]string
		handler string
		target  string
		// In the generated file, or of the error.
		contains string
	}{
		{"a whole program", map[string]string{"main.go": "package main\nfunc main() {}\n"}, "x", ".", ""},
		{"a handler", map[string]string{"main.go": "package main\n" + handler}, "Handler", ".", "Start(Handler)"},
		{"a handler of another name", map[string]string{"main.go": "package main\nfunc run() {}\n"}, "main.run", ".", "Start(run)"},
		{"a name that is not there", map[string]string{"main.go": "package main\n" + handler}, "index.handler", ".", "Start(Handler)"},
		{"a library", map[string]string{"f.go": "package f\n" + handler, "go.mod": "module example.com/f // x\n"}, "Handler", "./so_generated_main", `so_function "example.com/f"`},
		{"inline library", map[string]string{"main.go": "package function\n" + handler}, "Handler", "./so_generated_main", `so_function "function"`},
		{"main that is a method", map[string]string{"main.go": "package main\ntype t int\nfunc (t) main() {}\n" + handler}, "Handler", ".", "Start(Handler)"},
		{"main in a comment", map[string]string{"main.go": "package main\n/*\nfunc main() {}\n*/\nvar s = `\nfunc main() {}`\n" + handler}, "Handler", ".", "Start(Handler)"},
		{"main in a test", map[string]string{"main.go": "package main\n" + handler, "x_test.go": "package main\nfunc main() {}\n"}, "Handler", ".", "Start(Handler)"},
		{"nothing", map[string]string{"main.go": "\n\npackage main\n"}, "Handler", "", "main.go:3:1: there is neither a func main nor a func Handler"},
		{"hidden", map[string]string{"f.go": "package f\nfunc run() {}\n"}, "run", "", "f.go:1:1: func run must begin with a capital letter"},
		{"no Go", map[string]string{"main.rs": ""}, "Handler", "", "no Go file"},
		{"broken", map[string]string{"main.go": "package main\nfunc Handler( {\n"}, "Handler", "", "main.go:2:15: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			src, err := readSource(write(t, test.files))
			var generated map[string]string
			var target string
			if err == nil {
				generated, target, err = src.mainFor(test.handler)
			}
			got := ""
			if err != nil {
				got = err.Error()
			}
			for _, text := range generated {
				got += text
			}
			if target != test.target || !strings.Contains(got, test.contains) {
				t.Errorf("target %q, %q; want %q, %q", target, got, test.target, test.contains)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	got := explain("# function\n./main.go:3:5: cannot use 1 as string\n\thave (int)\n\twant (string)\n"+
		"/var/task/b.go:1:1: other\nmain.go:4:2: no required module provides package example.com/x; to add it:\n\tgo get example.com/x\n", "/var/task")
	want := "main.go:3:5: cannot use 1 as string have (int) want (string)\nb.go:1:1: other\n" +
		"main.go:4:2: no required module provides package example.com/x; " + dependencyHint
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLinkTree(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "to")
	if err := os.Mkdir(filepath.Join(from, "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "a", "b"), []byte("text"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := linkTree(from, to); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(to, "a", "b"))
	if err != nil || string(text) != "text" {
		t.Errorf("read %q, %v", text, err)
	}
	if err := os.WriteFile(filepath.Join(to, "a", "c"), nil, 0o644); err != nil {
		t.Error(err)
	}
}
