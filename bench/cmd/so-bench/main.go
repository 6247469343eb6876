// Command so-bench measures the platform; scripts/bench runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"serverless-orchestrator/bench/internal/bare"
	"serverless-orchestrator/bench/internal/cold"
	"serverless-orchestrator/bench/internal/drivercheck"
	"serverless-orchestrator/bench/internal/overload"
	"serverless-orchestrator/bench/internal/report"
	"serverless-orchestrator/bench/internal/scaling"
	"serverless-orchestrator/bench/internal/soak"
	"serverless-orchestrator/bench/internal/warm"
)

const usage = `usage: scripts/bench cold [options]          cold starts
       scripts/bench warm [options]          warm calls, beside plain servers
       scripts/bench overload [options]      ten times more calls than can be served
       scripts/bench scaling [options]       instances under loads that change
       scripts/bench soak [options]          what grows in a long run
       scripts/bench check-driver [options]  the load driver beside wrk
       scripts/bench show FILE [options]     shows again what --json wrote
`

// benchmark is the options of one, and how it runs.
type benchmark interface {
	Register(flags *flag.FlagSet)
	// Check finds options that make no sense.
	Check() error
	// Run returns what was measured, also with an error.
	Run(ctx context.Context, command string, progress io.Writer) (report.Results, error)
}

// A benchmark's options, and the report that it makes.
var benchmarks = map[string]struct {
	options func() benchmark
	results func() report.Results
}{
	"cold":         {func() benchmark { return &cold.Options{} }, func() report.Results { return &cold.Report{} }},
	"warm":         {func() benchmark { return &warm.Options{} }, func() report.Results { return &warm.Report{} }},
	"overload":     {func() benchmark { return &overload.Options{} }, func() report.Results { return &overload.Report{} }},
	"scaling":      {func() benchmark { return &scaling.Options{} }, func() report.Results { return &scaling.Report{} }},
	"soak":         {func() benchmark { return &soak.Options{} }, func() report.Results { return &soak.Report{} }},
	"check-driver": {func() benchmark { return &drivercheck.Options{} }, func() report.Results { return &drivercheck.Report{} }},
}

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
	if len(arguments) == 0 {
		return explain()
	}
	name, rest := arguments[0], arguments[1:]
	if chosen, known := benchmarks[name]; known {
		return measure(name, chosen.options(), rest)
	}
	switch name {
	case "show":
		return show(rest)
	case bare.ReferenceCommand:
		return bare.ServeReference()
	}
	return explain()
}

func explain() error {
	fmt.Fprint(os.Stderr, usage)
	return errUsage
}

func measure(name string, options benchmark, arguments []string) error {
	flags := flag.NewFlagSet("scripts/bench "+name, flag.ContinueOnError)
	options.Register(flags)
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	results, err := options.Run(ctx, command(flags), os.Stderr)
	if results == nil {
		return err
	}
	if err != nil && !errors.Is(err, report.ErrFailed) {
		// What there is, is shown whatever happened, but half a run is nothing
		// for documents.
		out.markdown = ""
	}
	return errors.Join(err, out.write(name, results))
}

// command is what a person types to measure the same.
func command(flags *flag.FlagSet) string {
	parts := []string{flags.Name()}
	flags.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "root", "json", "markdown", "svg":
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
		return explain()
	}
	if err := parse(flags, arguments[1:]); err != nil {
		return err
	}
	name, err := report.BenchmarkOf(arguments[0])
	if err != nil {
		return err
	}
	chosen, known := benchmarks[name]
	if !known {
		return fmt.Errorf("%s: it does not say which benchmark it is of", arguments[0])
	}
	results := chosen.results()
	if err := report.ReadJSON(arguments[0], results); err != nil {
		return err
	}
	results.Judge()
	return out.write(name, results)
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

func (o *outputs) write(name string, results report.Results) error {
	fmt.Print(report.Text(results))
	var err error
	if o.json != "" {
		err = report.WriteJSON(o.json, results)
	}
	if o.markdown != "" {
		err = errors.Join(err, report.UpdateDocument(o.markdown, name, results))
	}
	return err
}
