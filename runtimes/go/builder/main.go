// Command so-go-build makes a function of the Go source in the current
// directory: a static program, OUTPUT/bootstrap, that speaks the AWS Lambda
// Runtime API. It runs in the sandbox of a build, without network.
//
//	so-go-build [-toolchain DIR] [-output DIR] [-cache DIR] HANDLER
//
// A package main with a func main is built as it is. Otherwise a main that
// calls lambda.Start with the function HANDLER is added; nothing is written
// below the current directory. What is wrong with the source is printed, a line
// each, as "file:line:col: message", and the exit code is 1.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	var b build
	flag.StringVar(&b.toolchain, "toolchain", "/opt/toolchain", "what scripts/toolchains made")
	flag.StringVar(&b.output, "output", "/var/output", "where bootstrap goes")
	flag.StringVar(&b.cache, "cache", "", "a build cache to fill, instead of one that is thrown away")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	b.handler = flag.Arg(0)
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type build struct {
	toolchain string
	output    string
	cache     string
	handler   string

	source string // the current directory
	work   string // thrown away
}

func (b *build) run() error {
	var err error
	if b.source, err = os.Getwd(); err != nil {
		return err
	}
	if b.work, err = os.MkdirTemp("", "so-go-build-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.work)

	src, err := readSource(b.source)
	if err != nil {
		return err
	}
	generated, target, err := src.mainFor(b.handler)
	if err != nil {
		return err
	}
	if !src.hasModule {
		for _, name := range []string{"go.mod", "go.sum"} {
			text, err := os.ReadFile(filepath.Join(b.toolchain, "function", name))
			if err != nil {
				return err
			}
			generated[name] = string(text)
		}
	}
	overlay, err := b.writeOverlay(generated)
	if err != nil {
		return err
	}
	if b.cache == "" {
		b.cache = filepath.Join(b.work, "cache")
		if err := linkTree(filepath.Join(b.toolchain, "cache"), b.cache); err != nil {
			return err
		}
	}
	return b.compile(overlay, target)
}

// writeOverlay makes the generated files, named relative to the source, appear
// in it for the compiler.
func (b *build) writeOverlay(generated map[string]string) (string, error) {
	replace := map[string]string{}
	for name, text := range generated {
		path := filepath.Join(b.work, fmt.Sprintf("generated-%d", len(replace)))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(b.source, name)] = path
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.work, "overlay.json")
	return path, os.WriteFile(path, text, 0o644)
}

func (b *build) compile(overlay, target string) error {
	command := exec.Command(filepath.Join(b.toolchain, "goroot", "bin", "go"), "build",
		"-p=4", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-overlay="+overlay,
		"-o", filepath.Join(b.output, "bootstrap"), target)
	command.Env = []string{
		"CGO_ENABLED=0",
		"GO111MODULE=on",
		"GOCACHE=" + b.cache,
		"GOENV=off",
		// A sandbox has a limit of threads, a machine many processors.
		"GOMAXPROCS=4",
		"GOMODCACHE=" + filepath.Join(b.toolchain, "mod"),
		"GOPATH=" + filepath.Join(b.work, "go"),
		"GOPROXY=off",
		"GOROOT=" + filepath.Join(b.toolchain, "goroot"),
		"GOSUMDB=off",
		"GOTELEMETRY=off",
		"GOTMPDIR=" + b.work,
		"GOTOOLCHAIN=local",
		"GOWORK=off",
		"HOME=" + b.work,
		"PATH=" + os.Getenv("PATH"),
	}
	var output bytes.Buffer
	command.Stdout = &output
	command.Stderr = &output
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errors.New(explain(output.String(), b.source))
	}
	return err
}

// linkTree makes a writable image of a directory that is not: directories of
// its own, links to the files. Builds of different tenants share what was
// compiled when the toolchain was set up, and nothing else.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		}
		return os.Symlink(path, filepath.Join(to, name))
	})
}
