package cold

import (
	"errors"
	"flag"
	"slices"
	"strings"
	"time"

	"serverless-orchestrator/bench/internal/options"
)

// Options of a run.
type Options struct {
	// The checkout, whose scripts start the platform.
	Root                 string
	N, BaselineN, FirstN int
	Rounds, WarmUp       int
	Pace                 time.Duration
	Length               time.Duration
	BaselineLength       time.Duration
	Loops                []int
	Runtimes             []string
	Memory               []int
	Skip                 []string

	Endpoint, Pool string
}

// Parts of a run that can be left out.
var parts = []string{"baselines", "platform", "parked", "none", "pool", "rates", "launcher", "first", "memory"}

// Register makes flags of the options.
func (o *Options) Register(flags *flag.FlagSet) {
	flags.StringVar(&o.Root, "root", ".", "the checkout")
	flags.IntVar(&o.N, "n", 300, "cold starts measured per runtime")
	flags.IntVar(&o.BaselineN, "baseline-n", 200, "starts measured per plain process; containers get a share of them")
	flags.IntVar(&o.FirstN, "first-n", 20, "functions registered and called at once, per runtime")
	flags.IntVar(&o.Rounds, "rounds", 5, "rounds in which everything takes turns")
	flags.IntVar(&o.WarmUp, "warm-up", 3, "starts before each round that do not count")
	flags.DurationVar(&o.Pace, "pace", 100*time.Millisecond, "time between two cold starts")
	flags.DurationVar(&o.Length, "seconds", 30*time.Second, "how long sandboxes are made and destroyed at full speed")
	flags.DurationVar(&o.BaselineLength, "baseline-seconds", 10*time.Second, "the same for what it is compared with")
	o.Loops = []int{2, 4}
	flags.Var(options.List[int]{Into: &o.Loops, Parse: options.Count}, "loops", "numbers of loops at full speed")
	o.Runtimes = []string{"node", "python", "go", "rust", "custom"}
	flags.Var(options.List[string]{Into: &o.Runtimes, Parse: options.Word}, "runtimes", "runtimes that are measured")
	o.Memory = []int{1, 100, 1000}
	flags.Var(options.List[int]{Into: &o.Memory, Parse: options.Count}, "memory", "numbers of idle instances")
	flags.Var(options.List[string]{Into: &o.Skip, Parse: options.OneOf(parts...)}, "skip", "parts left out, of "+strings.Join(parts, ", "))
	flags.StringVar(&o.Endpoint, "endpoint", "", "http://host:port of a platform that runs already; default: one of our own")
	flags.StringVar(&o.Pool, "pool", "", "host:port of its pool's gRPC, or of its gateway's")
}

// Check finds options that make no sense.
func (o *Options) Check() error {
	if o.N < 1 || o.BaselineN < 1 || o.FirstN < 1 || o.Rounds < 1 || o.Rounds > o.N || o.Rounds > o.BaselineN {
		return errors.New("there must be at least one start in each round")
	}
	if o.Pace <= 0 || o.Length <= 0 || o.BaselineLength <= 0 {
		return errors.New("pace and seconds must be above 0")
	}
	return nil
}

func (o *Options) has(part string) bool { return !slices.Contains(o.Skip, part) }

// inRound is how many of n fall to one round, at least one.
func (o *Options) inRound(n int, share float64, round int) int {
	total := max(o.Rounds, int(float64(n)*share))
	count := total / o.Rounds
	if round < total%o.Rounds {
		count++
	}
	return count
}
