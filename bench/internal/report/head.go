package report

import (
	"fmt"
	"time"

	"serverless-orchestrator/bench/internal/machine"
)

// Head is the part of every report that tells where it comes from and what
// became of its aims. Reports embed it.
type Head struct {
	// "cold", "warm" and so on.
	Benchmark string        `json:"benchmark"`
	Command   string        `json:"command"`
	Started   time.Time     `json:"started"`
	Took      time.Duration `json:"took_ns"`
	Machine   machine.Facts `json:"machine"`
	// How it was measured.
	Notes []string `json:"notes"`
	// What could not be measured as a whole, and why.
	Missing []Missing `json:"missing"`
	Aims    []Verdict `json:"aims"`
}

// Missing is a part of the run that gave nothing.
type Missing struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
}

// NewHead begins a run now, on this machine.
func NewHead(benchmark, command string) Head {
	return Head{Benchmark: benchmark, Command: command, Started: time.Now(), Machine: machine.Look()}
}

// Note adds to how it was measured.
func (h *Head) Note(format string, values ...any) {
	h.Notes = append(h.Notes, fmt.Sprintf(format, values...))
}

// Miss notes what could not be measured.
func (h *Head) Miss(what string, reason error) {
	h.Missing = append(h.Missing, Missing{what, reason.Error()})
}

// Wrap puts what all reports begin and end with around the sections of one.
func (h *Head) Wrap(sections ...Section) []Section {
	all := append([]Section{{Title: "Run", Words: h.lines()}}, sections...)
	if len(h.Missing) > 0 {
		missing := Section{Title: "Not available"}
		for _, m := range h.Missing {
			missing.Words = append(missing.Words, m.What+": "+m.Reason)
		}
		all = append(all, missing)
	}
	return append(all, Section{Title: "Aims", Table: h.aimsTable()})
}

func (h *Head) lines() []string {
	lines := []string{
		fmt.Sprintf("`%s`, %s, took %s", h.Command, h.Started.UTC().Format("2006-01-02 15:04 UTC"), h.Took.Round(time.Second)),
	}
	lines = append(lines, h.Machine.Lines()...)
	return append(lines, h.Notes...)
}

func (h *Head) aimsTable() *Table {
	t := NewTable("what", "aim", "measured", "").Left(3)
	for _, v := range h.Aims {
		t.Add(v.What, v.Aim, v.Measured, v.Outcome)
	}
	return t
}
