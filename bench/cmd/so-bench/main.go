// Command so-bench measures the platform; scripts/bench runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"serverless-orchestrator/bench/internal/cold"
	"serverless-orchestrator/bench/internal/report"
)

const usage = `usage: scripts/bench cold [options]     measure cold starts
       scripts/bench show FILE [options] show again what cold --json wrote
`

func main() {
	err := run(os.Args[1:])
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// errUsage has been explained already.
var errUsage = errors.New("wrong usage")

func run(arguments []string) error {
	if len(arguments) > 0 {
		switch arguments[0] {
		case "cold":
			return runCold(arguments[1:])
		case "show":
			return show(arguments[1:])
		}
	}
	fmt.Fprint(os.Stderr, usage)
	return errUsage
}

func runCold(arguments []string) error {
	flags := flag.NewFlagSet("scripts/bench cold", flag.ContinueOnError)
	var options cold.Options
	options.Register(flags)
	flags.StringVar(&options.Root, "root", ".", "the checkout")
	var out outputs
	out.register(flags)
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected: %s\n", strings.Join(flags.Args(), " "))
		return errUsage
	}
	if err := options.Check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return errUsage
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	// Built beside this program.
	options.Hello = filepath.Join(filepath.Dir(self), "so-bench-hello")

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	results, err := cold.Run(ctx, options, command(flags), os.Stderr)
	if err != nil {
		// What there is, is shown whatever happened, but half a run is nothing
		// for documents.
		out.markdown = ""
	}
	return errors.Join(err, out.write(results))
}

// command is what a person types to measure the same.
func command(flags *flag.FlagSet) string {
	parts := []string{flags.Name()}
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "root", "json", "markdown":
		default:
			parts = append(parts, "--"+f.Name+"="+f.Value.String())
		}
	})
	return strings.Join(parts, " ")
}

func show(arguments []string) error {
	flags := flag.NewFlagSet("scripts/bench show", flag.ContinueOnError)
	var out outputs
	out.register(flags)
	if len(arguments) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errUsage
	}
	if err := parse(flags, arguments[1:]); err != nil {
		return err
	}
	results, err := report.ReadJSON(arguments[0])
	if err != nil {
		return err
	}
	results.Judge()
	return out.write(results)
}

func parse(flags *flag.FlagSet, arguments []string) error {
	err := flags.Parse(arguments)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return errUsage
	}
	return err
}

// outputs are where results go besides the terminal.
type outputs struct{ json, markdown string }

func (o *outputs) register(flags *flag.FlagSet) {
	flags.StringVar(&o.json, "json", "", "file to write everything to, raw samples too")
	flags.StringVar(&o.markdown, "markdown", "", "document whose section of results is replaced, as docs/performance.md")
}

func (o *outputs) write(results *report.Report) error {
	fmt.Print(results.Text())
	var err error
	if o.json != "" {
		err = results.WriteJSON(o.json)
	}
	if o.markdown != "" {
		err = errors.Join(err, results.UpdateDocument(o.markdown))
	}
	return err
}
