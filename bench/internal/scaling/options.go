package scaling

import (
	"errors"
	"flag"
	"time"

	"serverless-orchestrator/bench/internal/echo"
	"serverless-orchestrator/bench/internal/options"
)

// Options of a run.
type Options struct {
	// The checkout, whose scripts start the platforms.
	Root string

	Runtime     string
	Shapes      []string
	Length      time.Duration
	Low, High   float64
	Work        time.Duration
	Instances   int
	MemoryMB    int
	IdleTimeout time.Duration
	Every       time.Duration
	Connections int
	Chance      bool
	Seed        uint64
	SVG         string
}

// Register makes flags of the options.
func (o *Options) Register(flags *flag.FlagSet) {
	flags.StringVar(&o.Root, "root", ".", "the checkout")
	flags.StringVar(&o.Runtime, "runtime", "node", "runtime of the function")
	o.Shapes = shapeNames()
	flags.Var(options.List[string]{Into: &o.Shapes, Parse: options.OneOf(shapeNames()...)}, "shapes", "how the rate changes")
	flags.DurationVar(&o.Length, "seconds", 45*time.Second, "how long each shape lasts")
	flags.Float64Var(&o.Low, "low", 5, "calls a second, at the least")
	flags.Float64Var(&o.High, "high", 80, "and at the most")
	flags.DurationVar(&o.Work, "work", 100*time.Millisecond, "how long a call waits, as for a database")
	flags.IntVar(&o.Instances, "instances", 20, "maxInstances of the function")
	flags.IntVar(&o.MemoryMB, "memory", 128, "of an instance, in MB")
	flags.DurationVar(&o.IdleTimeout, "idle-timeout", 5*time.Second, "how long an instance that nothing wants may be idle")
	flags.DurationVar(&o.Every, "every", 250*time.Millisecond, "time from one look at the instances to the next")
	flags.IntVar(&o.Connections, "connections", 128, "of the load; when all wait, calls are sent late, which counts")
	flags.BoolVar(&o.Chance, "chance", false, "calls come by chance (Poisson), instead of at equal distances: then there is no steady load")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the chance")
	flags.StringVar(&o.SVG, "svg", "", "file to draw load and instances into")
}

// Check finds options that make no sense.
func (o *Options) Check() error {
	if o.Low <= 0 || o.High < o.Low || o.Instances < 1 || o.Connections < 1 || o.MemoryMB < 1 {
		return errors.New("low, instances, connections and memory must be above 0, and high not below low")
	}
	if o.Length <= 0 || o.Every <= 0 || o.IdleTimeout <= 0 || o.Work < time.Millisecond {
		return errors.New("all times must be above 0, and work at least a millisecond")
	}
	if o.Work%time.Millisecond != 0 || o.IdleTimeout%time.Millisecond != 0 {
		return errors.New("work and idle-timeout must be whole milliseconds")
	}
	return echo.Known([]string{o.Runtime})
}
