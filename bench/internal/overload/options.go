package overload

import (
	"errors"
	"flag"
	"time"

	"serverless-orchestrator/bench/internal/echo"
	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/options"
)

// Options of a run.
type Options struct {
	// The checkout, whose scripts start the platform.
	Root string

	Runtime         string
	Instances       int
	Work            time.Duration
	Body            options.Size
	CapacityLength  time.Duration
	Factor          float64
	Length          time.Duration
	Before, After   time.Duration
	Calm, Probes    float64
	Connections     int
	ConstantlyPaced bool
	Seed            uint64
}

// Register makes flags of the options.
func (o *Options) Register(flags *flag.FlagSet) {
	flags.StringVar(&o.Root, "root", ".", "the checkout")
	flags.StringVar(&o.Runtime, "runtime", "node", "runtime of the functions")
	flags.IntVar(&o.Instances, "instances", 4, "maxInstances of the function that is flooded")
	flags.DurationVar(&o.Work, "work", 20*time.Millisecond, "how long one call of it waits, as for a database; 0: the processors are what gets scarce, and driver and platform share them")
	o.Body = 64
	flags.Var(&o.Body, "body", "size of event and result")
	flags.DurationVar(&o.CapacityLength, "capacity-seconds", 10*time.Second, "how long the capacity is measured")
	flags.Float64Var(&o.Factor, "factor", 10, "how many times the capacity is offered")
	flags.DurationVar(&o.Length, "seconds", 60*time.Second, "how long the flood lasts")
	flags.DurationVar(&o.Before, "before", 30*time.Second, "how long before it the calm calls are measured")
	flags.DurationVar(&o.After, "after", 20*time.Second, "how long after it the platform is watched")
	flags.Float64Var(&o.Calm, "calm", 50, "calls of the calm function in a second")
	flags.Float64Var(&o.Probes, "probes", 20, "probes of the flooded function in a second")
	flags.IntVar(&o.Connections, "connections", 512, "connections of the flood; when all wait, calls are sent late, which counts")
	flags.BoolVar(&o.ConstantlyPaced, "constant", false, "calls of the flood at equal distances, instead of by chance (Poisson)")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the chance")
}

// Check finds options that make no sense.
func (o *Options) Check() error {
	if o.Instances < 1 || o.Factor <= 0 || o.Calm <= 0 || o.Probes <= 0 || o.Connections < 1 {
		return errors.New("instances, factor, calm, probes and connections must be above 0")
	}
	if o.CapacityLength <= 0 || o.Length <= 0 || o.Before <= 0 || o.After <= 0 || o.Work < 0 {
		return errors.New("all times must be above 0")
	}
	if o.Work%time.Millisecond != 0 {
		return errors.New("work must be whole milliseconds")
	}
	if err := echo.Known([]string{o.Runtime}); err != nil {
		return err
	}
	_, err := load.NewEvent(int(o.Body))
	return err
}
