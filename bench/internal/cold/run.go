package cold

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"serverless-orchestrator/bench/internal/baseline"
	"serverless-orchestrator/bench/internal/platform"
	"serverless-orchestrator/bench/internal/report"
	"serverless-orchestrator/bench/internal/stats"
)

// runner is one run.
type runner struct {
	Options
	// A compiled hello: see cmd/hello.
	hello     string
	clock     stats.Clock
	progress  io.Writer
	report    *Report
	baselines []baseline.Case
}

// Run measures, and returns what it has when it is interrupted too.
func (o *Options) Run(ctx context.Context, command string, progress io.Writer) (report.Results, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r := &runner{Options: *o, clock: stats.RealClock{}, progress: progress,
		// Built beside this program.
		hello:  filepath.Join(filepath.Dir(self), "so-bench-hello"),
		report: &Report{Head: report.NewHead("cold", command)}}
	r.report.Machine.AddPrograms(ctx, r.Root, "node", "python3", "bwrap", "crun", "runc", "dockerd")
	r.addNotes()
	err = r.run(ctx)
	r.report.Took = time.Since(r.report.Started)
	r.report.Judge()
	return r.report, err
}

func (r *runner) say(format string, values ...any) {
	report.Say(r.progress, format, values...)
}

func (r *runner) addNotes() {
	r.report.Notes = append(r.report.Notes,
		fmt.Sprintf("Warm-up, not counted: %d starts before each of %d rounds, and a second (at most a tenth) before each run at full speed.", r.WarmUp, r.Rounds),
		fmt.Sprintf("Cold starts of the platform begin every %v and are timed from the moment they were meant to begin; the baselines' begin one after the other. REST connections are kept.", r.Pace),
		"Plain processes start with an empty environment. Containers and bwrap have /usr of the machine, no network, and (containers) 128 MB, 128 processes and one processor. A start is timed until the program has ended.",
		"Percentiles are samples of the nearest rank; of fewer than 100 samples p99 is the greatest.",
	)
}

func (r *runner) run(ctx context.Context) error {
	if r.has("baselines") {
		r.say("preparing the baselines")
		set, err := baseline.Prepare(ctx, r.hello)
		if err != nil {
			return err
		}
		defer set.Close()
		for _, each := range set.Cases {
			row := r.report.Add(each.ID, each.Title)
			if each.Problem != nil {
				row.Problem = each.Problem.Error()
				continue
			}
			r.baselines = append(r.baselines, each)
		}
	}
	if !r.has("platform") {
		return r.alone(ctx)
	}
	if r.Endpoint != "" {
		return r.running(ctx)
	}
	return r.own(ctx)
}

// alone measures the baselines only.
func (r *runner) alone(ctx context.Context) error {
	for round := range r.Rounds {
		r.baselineRound(ctx, round)
	}
	r.baselineRates(ctx)
	return context.Cause(ctx)
}

// running measures a platform that others have started and set up.
func (r *runner) running(ctx context.Context) error {
	s := &session{runner: r, client: platform.NewClient(r.Endpoint), how: "parked"}
	if r.Pool != "" {
		pool, err := platform.DialPool(r.Pool)
		if err != nil {
			return err
		}
		defer pool.Close()
		s.pool = pool
	}
	const reason = "needs a platform of our own; this one was given with --endpoint"
	r.report.Miss("no parked sandboxes", fmt.Errorf(reason))
	r.report.Miss("the launcher alone", fmt.Errorf(reason))
	r.report.Miss("memory per idle instance", fmt.Errorf(reason))
	return s.measure(ctx)
}

// Settings of platforms of our own: nothing starts instances but the calls that
// are measured, and a thousand may be idle.
var ownFlags = platform.Flags{
	"scaler": {"--policies=windows,schedules"},
	"pool":   {"--max_instances=4000", "--memory_budget=4000000"},
}

// own starts the platform twice: as it is, and without parked sandboxes.
func (r *runner) own(ctx context.Context) error {
	for _, how := range []string{"parked", "none"} {
		if !r.has(how) {
			continue
		}
		flags := platform.Flags{"scaler": ownFlags["scaler"], "pool": ownFlags["pool"]}
		if how == "none" {
			flags["pool"] = append([]string{"--parked_min=0", "--parked_max=0"}, flags["pool"]...)
		}
		if err := r.ownWith(ctx, how, flags); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r.report.Miss("the platform, parked sandboxes: "+how, err)
			if how == "parked" {
				return r.alone(ctx)
			}
		}
	}
	return context.Cause(ctx)
}

func (r *runner) ownWith(ctx context.Context, how string, flags platform.Flags) error {
	r.say("starting a platform, parked sandboxes: %s", how)
	own, err := platform.Start(ctx, r.Root, flags, r.progress)
	if err != nil {
		return err
	}
	defer own.Stop()
	pool, err := platform.DialPool(own.Pool)
	if err != nil {
		return err
	}
	defer pool.Close()
	s := &session{runner: r, client: platform.NewClient("http://" + own.HTTP), pool: pool, own: own, how: how}
	if err := s.measure(ctx); err != nil {
		return err
	}
	if how == "parked" && r.has("launcher") {
		r.launcherRates(ctx, own)
	}
	return context.Cause(ctx)
}

// isRoot: reading other users' memory maps needs it.
func isRoot() bool { return os.Geteuid() == 0 }
