package soak

import (
	"errors"
	"flag"
	"slices"
	"time"

	"serverless-orchestrator/bench/internal/echo"
	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/options"
)

// Options of a run.
type Options struct {
	// The checkout, whose scripts start the platform.
	Root string

	Length, Settle, Every time.Duration
	Runtimes              []string
	Rate                  float64
	Body                  options.Size
	Connections           int
	Tolerance             Tolerance
	Seed                  uint64
}

// Tolerance is by how much the last third of a run may exceed the first: the
// share of it, and the amount.
type Tolerance struct {
	Share float64 `json:"share"`
	// Bytes a process.
	Memory options.Size `json:"memory"`
	// Of all processes of a program together.
	Descriptors int `json:"descriptors"`
	// Of pool and launcher, for each sandbox that there is more: they hold some
	// of each.
	PerSandbox int `json:"per_sandbox"`
}

// Register makes flags of the options.
func (o *Options) Register(flags *flag.FlagSet) {
	flags.StringVar(&o.Root, "root", ".", "the checkout")
	flags.DurationVar(&o.Length, "minutes", 20*time.Minute, "how long it is watched, as 20m")
	flags.DurationVar(&o.Settle, "settle", time.Minute, "how long before that it is under load already: caches fill")
	flags.DurationVar(&o.Every, "every", 10*time.Second, "time between two looks")
	o.Runtimes = slices.Clone(echo.Runtimes)
	flags.Var(options.List[string]{Into: &o.Runtimes, Parse: options.OneOf(echo.Runtimes...)}, "runtimes", "runtimes with a function each")
	flags.Float64Var(&o.Rate, "rate", 20, "calls of each function in a second, by chance (Poisson)")
	o.Body = 1 << 10
	flags.Var(&o.Body, "body", "size of event and result")
	flags.IntVar(&o.Connections, "connections", 16, "connections for each function")
	flags.Float64Var(&o.Tolerance.Share, "tolerance", 0.1, "share by which the last third may exceed the first, in memory and in open files")
	o.Tolerance.Memory = 4 << 20
	flags.Var(&o.Tolerance.Memory, "tolerance-memory", "and on top of it, for each process")
	flags.IntVar(&o.Tolerance.Descriptors, "tolerance-descriptors", 8, "the same in open files of all processes of a program together")
	flags.IntVar(&o.Tolerance.PerSandbox, "tolerance-per-sandbox", 8, "open files that pool and launcher may have more for each sandbox that there is more")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the chance")
}

// Check finds options that make no sense.
func (o *Options) Check() error {
	switch {
	case o.Every <= 0 || o.Settle < 0 || o.Length < leastLooks*o.Every:
		return errors.New("there must be time for six looks: two in each third")
	case o.Rate <= 0 || o.Connections < 1:
		return errors.New("rate and connections must be above 0")
	case o.Tolerance.Share < 0 || o.Tolerance.Descriptors < 0 || o.Tolerance.PerSandbox < 0:
		return errors.New("tolerances must not be below 0")
	}
	_, err := load.NewEvent(int(o.Body))
	return err
}
