package drivercheck

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"serverless-orchestrator/bench/internal/bare"
	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/machine"
	"serverless-orchestrator/bench/internal/options"
	"serverless-orchestrator/bench/internal/report"
)

// Options of a run.
type Options struct {
	Root    string
	Clients []int
	Body    options.Size
	Rounds  int
	Length  time.Duration
	Servers []string
}

// Register makes flags of the options.
func (o *Options) Register(flags *flag.FlagSet) {
	flags.StringVar(&o.Root, "root", ".", "the checkout")
	o.Clients = []int{1, 16, 64}
	flags.Var(options.List[int]{Into: &o.Clients, Parse: options.Count}, "clients", "numbers of clients that call at once")
	o.Body = 64
	flags.Var(&o.Body, "body", "size of event and answer")
	flags.IntVar(&o.Rounds, "rounds", 5, "rounds in which the two take turns")
	flags.DurationVar(&o.Length, "seconds", 3*time.Second, "how long each is measured in each round; whole seconds")
	o.Servers = []string{bare.Node, bare.Reference}
	flags.Var(options.List[string]{Into: &o.Servers, Parse: options.OneOf(bare.Node, bare.Python, bare.Reference)}, "servers", "bare servers that are called")
}

// Check finds options that make no sense.
func (o *Options) Check() error {
	if o.Rounds < 1 || o.Length < time.Second || o.Length%time.Second != 0 {
		return errors.New("there must be a round, of one or more whole seconds")
	}
	_, err := load.NewEvent(int(o.Body))
	return err
}

// Run measures, and returns what it has when it is interrupted too.
func (o *Options) Run(ctx context.Context, command string, progress io.Writer) (report.Results, error) {
	r := &Report{Head: report.NewHead("check-driver", command)}
	r.Machine.AddPrograms(ctx, o.Root, "node", "python3")
	r.Note("The same bare servers, in turns, %d rounds of %v. wrk has one thread; it sends the same text again and again and looks at the status only, the driver sends a number of its own in each call and compares every answer.", o.Rounds, o.Length)
	err := o.run(ctx, r, progress)
	r.Took = time.Since(r.Started)
	r.Judge()
	return r, err
}

func (o *Options) run(ctx context.Context, r *Report, progress io.Writer) error {
	program, err := machine.Find("wrk")
	if err != nil {
		return err
	}
	for _, kind := range o.Servers {
		server, err := bare.Start(ctx, kind)
		if err != nil {
			return err
		}
		for _, clients := range o.Clients {
			row := &Row{Server: kind, Clients: clients, Body: int(o.Body)}
			r.Rows = append(r.Rows, row)
			report.Say(progress, "%s, %d clients", kind, clients)
			if err = o.compare(ctx, program, server, row); err != nil {
				break
			}
		}
		server.Stop()
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

func (o *Options) compare(ctx context.Context, program string, server *bare.Server, row *Row) error {
	event, err := load.NewEvent(row.Body)
	if err != nil {
		return err
	}
	for range o.Rounds {
		own, err := o.own(ctx, server, event, row.Clients)
		if err != nil {
			return err
		}
		other, err := wrk(ctx, program, server.Address, event.Text, row.Clients, o.Length)
		if err != nil {
			return err
		}
		row.Own, row.Wrk = append(row.Own, own), append(row.Wrk, other)
	}
	return nil
}

func (o *Options) own(ctx context.Context, server *bare.Server, event load.Event, clients int) (outcome, error) {
	expectation, err := bare.LearnFrom(server.Address, event)
	if err != nil {
		return outcome{}, err
	}
	var callers []load.Caller
	for number := range clients {
		callers = append(callers, load.NewHTTP(server.Address, "/", event, number, expectation.Plain))
	}
	defer load.CloseAll(callers)
	var clock load.Clock
	begin, used := clock.Now(), load.OwnCPU()
	tally := load.NewTally()
	load.Closed(ctx, clock, callers, load.Window{Begin: begin, End: begin.Add(o.Length)}, tally.Add)
	used = load.OwnCPU() - used
	if err := context.Cause(ctx); err != nil {
		return outcome{}, err
	}
	good, counts := tally.Good(), tally.Counts()
	if good.N == 0 {
		return outcome{}, fmt.Errorf("no right answer: %s", counts.Errors())
	}
	return outcome{
		PerSecond: float64(good.N) / o.Length.Seconds(), P50: good.P50, P99: good.P99,
		CPU: used / time.Duration(counts.Total()), Errors: counts.Except(load.OK),
	}, nil
}
