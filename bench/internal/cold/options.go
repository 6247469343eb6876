package cold

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options of a run.
type Options struct {
	// The checkout, whose scripts start the platform.
	Root string
	// A compiled hello: see cmd/hello.
	Hello string

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
	flags.IntVar(&o.N, "n", 300, "cold starts measured per runtime")
	flags.IntVar(&o.BaselineN, "baseline-n", 200, "starts measured per plain process; containers get a share of them")
	flags.IntVar(&o.FirstN, "first-n", 20, "functions registered and called at once, per runtime")
	flags.IntVar(&o.Rounds, "rounds", 5, "rounds in which everything takes turns")
	flags.IntVar(&o.WarmUp, "warm-up", 3, "starts before each round that do not count")
	flags.DurationVar(&o.Pace, "pace", 100*time.Millisecond, "time between two cold starts")
	flags.DurationVar(&o.Length, "seconds", 30*time.Second, "how long sandboxes are made and destroyed at full speed")
	flags.DurationVar(&o.BaselineLength, "baseline-seconds", 10*time.Second, "the same for what it is compared with")
	o.Loops = []int{2, 4}
	flags.Var(list[int]{&o.Loops, count}, "loops", "numbers of loops at full speed")
	o.Runtimes = []string{"node", "python", "go", "rust", "custom"}
	flags.Var(list[string]{&o.Runtimes, word}, "runtimes", "runtimes that are measured")
	o.Memory = []int{1, 100, 1000}
	flags.Var(list[int]{&o.Memory, count}, "memory", "numbers of idle instances")
	flags.Var(list[string]{&o.Skip, part}, "skip", "parts left out, of "+strings.Join(parts, ", "))
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

func word(text string) (string, error) { return text, nil }

func part(text string) (string, error) {
	if !slices.Contains(parts, text) {
		return "", errors.New("no such part")
	}
	return text, nil
}

func count(text string) (int, error) {
	value, err := strconv.Atoi(text)
	if err == nil && value < 1 {
		err = errors.New("below 1")
	}
	return value, err
}

// list is a flag of values with commas between them.
type list[T any] struct {
	into  *[]T
	parse func(string) (T, error)
}

func (l list[T]) Set(text string) error {
	*l.into = nil
	for item := range strings.SplitSeq(text, ",") {
		value, err := l.parse(item)
		if err != nil {
			return fmt.Errorf("%q: %w", item, err)
		}
		*l.into = append(*l.into, value)
	}
	return nil
}

func (l list[T]) String() string {
	if l.into == nil {
		return ""
	}
	var items []string
	for _, item := range *l.into {
		items = append(items, fmt.Sprint(item))
	}
	return strings.Join(items, ",")
}
