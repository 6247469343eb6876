package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// What a handler is called when the function does not say.
const defaultHandler = "Handler"

// source is what one has to know of the package in a directory to build it.
type source struct {
	packageName string
	// Its first file and the line of its package clause, to point at.
	position  string
	functions map[string]bool
	hasMain   bool
	hasModule bool
	module    string
}

// readSource looks at the Go files of a directory. Errors are lines for the
// author.
func readSource(dir string) (*source, error) {
	src := &source{functions: map[string]bool{}, module: "function"}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	for _, path := range names {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(path)
		file, err := parser.ParseFile(files, name, text, parser.SkipObjectResolution)
		if err != nil {
			return nil, syntaxErrors(err)
		}
		src.add(files, file)
	}
	if src.position == "" {
		return nil, errors.New("there is no Go file in the folder at the top")
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err == nil {
		src.hasModule = true
		src.module = modulePath(string(text))
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return src, nil
}

func (s *source) add(files *token.FileSet, file *ast.File) {
	if s.position == "" {
		s.position = files.Position(file.Package).String()
		s.packageName = file.Name.Name
	}
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if ok && function.Recv == nil {
			s.functions[function.Name.Name] = true
		}
	}
	s.hasMain = s.packageName == "main" && s.functions["main"]
}

func syntaxErrors(err error) error {
	var list scanner.ErrorList
	if !errors.As(err, &list) {
		return err
	}
	lines := make([]string, len(list))
	for i, one := range list {
		lines[i] = one.Error()
	}
	return errors.New(strings.Join(lines, "\n"))
}

func modulePath(text string) string {
	for line := range strings.Lines(text) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			path, _, _ = strings.Cut(path, "//")
			return strings.Trim(strings.TrimSpace(path), "\"`")
		}
	}
	return ""
}

// mainFor answers the package to build, and the files it needs besides the
// source, so that the program serves `handler`.
func (s *source) mainFor(handler string) (map[string]string, string, error) {
	generated := map[string]string{}
	if s.hasMain {
		return generated, ".", nil
	}
	name, err := s.handlerName(handler)
	if err != nil {
		return nil, "", err
	}
	if s.packageName == "main" {
		generated["so_generated_main.go"] = fmt.Sprintf(`package main

import so_lambda "github.com/aws/aws-lambda-go/lambda"

func main() { so_lambda.Start(%s) }
`, name)
		return generated, ".", nil
	}
	if !ast.IsExported(name) {
		return nil, "", fmt.Errorf("%s: func %s must begin with a capital letter, or the package be main", s.position, name)
	}
	generated["so_generated_main/main.go"] = fmt.Sprintf(`package main

import (
	so_lambda "github.com/aws/aws-lambda-go/lambda"
	so_function %q
)

func main() { so_lambda.Start(so_function.%s) }
`, s.module, name)
	return generated, "./so_generated_main", nil
}

// handlerName finds the function that a handler like "Handler" or "main.Handler"
// means.
func (s *source) handlerName(handler string) (string, error) {
	name := handler[strings.LastIndexAny(handler, "./")+1:]
	for _, candidate := range []string{name, defaultHandler} {
		if s.functions[candidate] {
			return candidate, nil
		}
	}
	if !token.IsIdentifier(name) {
		name = defaultHandler
	}
	return "", fmt.Errorf("%s: there is neither a func main nor a func %s", s.position, name)
}
