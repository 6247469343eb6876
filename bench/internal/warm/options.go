package warm

import (
	"errors"
	"flag"
	"slices"
	"time"

	"serverless-orchestrator/bench/internal/bare"
	"serverless-orchestrator/bench/internal/echo"
	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/options"
)

// Options of a run.
type Options struct {
	// The checkout, whose scripts start the platform.
	Root string

	Clients        []int
	Bodies         []options.Size
	Runtimes, GRPC []string
	// Runtimes of functions whose instances run many calls at a time.
	Concurrent     []string
	Servers        []string
	Rounds         int
	Length, WarmUp time.Duration
	Instances      int
}

// Register makes flags of the options.
func (o *Options) Register(flags *flag.FlagSet) {
	flags.StringVar(&o.Root, "root", ".", "the checkout")
	o.Clients = []int{1, 16, 64}
	flags.Var(options.List[int]{Into: &o.Clients, Parse: options.Count}, "clients", "numbers of clients that call at once")
	o.Bodies = []options.Size{64, 8 << 10, 1 << 20}
	flags.Var(options.List[options.Size]{Into: &o.Bodies, Parse: options.ParseSize}, "bodies", "sizes of event and result")
	o.Runtimes = slices.Clone(echo.Runtimes)
	flags.Var(options.List[string]{Into: &o.Runtimes, Parse: options.OneOf(echo.Runtimes...)}, "runtimes", "runtimes that are called over REST")
	o.GRPC = []string{"node"}
	flags.Var(options.List[string]{Into: &o.GRPC, Parse: options.OneOf(append(slices.Clone(echo.Runtimes), "none")...)}, "grpc", "those of them that are called over gRPC too; none for none")
	o.Concurrent = []string{"node"}
	flags.Var(options.List[string]{Into: &o.Concurrent, Parse: options.OneOf("node", "go", "none")}, "concurrent", "runtimes that are called over REST with concurrency 64 too; none for none")
	o.Servers = []string{bare.Node, bare.Python, bare.Reference}
	flags.Var(options.List[string]{Into: &o.Servers, Parse: options.OneOf(o.Servers...)}, "servers", "bare servers beside them")
	flags.IntVar(&o.Rounds, "rounds", 3, "rounds in which everything takes turns")
	flags.DurationVar(&o.Length, "seconds", 3*time.Second, "how long each row is measured in each round")
	flags.DurationVar(&o.WarmUp, "warm-up", 300*time.Millisecond, "how long before that it is called without counting")
	flags.IntVar(&o.Instances, "instances", 20, "maxInstances of the functions; 20 is the platform's default")
}

// Check finds options that make no sense.
func (o *Options) Check() error {
	switch {
	case o.Rounds < 1 || o.Length <= 0 || o.WarmUp < 0:
		return errors.New("rounds and seconds must be above 0")
	case o.Instances < 1 || o.Instances > 1000:
		return errors.New("instances must be between 1 and 1000")
	}
	for _, size := range o.Bodies {
		if _, err := load.NewEvent(int(size)); err != nil {
			return err
		}
		if size > 6<<20 {
			return errors.New("the platform takes events of at most 6m")
		}
	}
	for _, runtime := range o.grpc() {
		if !slices.Contains(o.Runtimes, runtime) {
			return errors.New("what is called over gRPC must be among the runtimes")
		}
	}
	return nil
}

// grpc leaves out what stands for nothing.
func (o *Options) grpc() []string {
	return slices.DeleteFunc(slices.Clone(o.GRPC), func(name string) bool { return name == "none" })
}
