package scaling

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"serverless-orchestrator/bench/internal/load"
	"serverless-orchestrator/bench/internal/report"
)

const second = time.Second

func TestShapesStayBetweenLowAndHighAndReachBoth(t *testing.T) {
	const length = 45 * second
	for _, s := range shapes {
		rate := s.of(5, 80, length)
		least, most := math.Inf(1), 0.0
		for at := time.Duration(0); at <= length; at += 10 * time.Millisecond {
			value := rate(at)
			if value < 5 || value > 80 {
				t.Errorf("%s: %v at %v", s.name, value, at)
			}
			least, most = min(least, value), max(most, value)
		}
		if least > 5.1 || most < 79 {
			t.Errorf("%s: from %v to %v", s.name, least, most)
		}
		if s.rise <= 0 || s.rise >= 1 {
			t.Errorf("%s rises at %v", s.name, s.rise)
		}
		// The highest rate is reached at the rise, or up to it.
		around := max(rate(time.Duration(s.rise*float64(length))+time.Millisecond), rate(time.Duration(s.rise*float64(length))-time.Millisecond))
		if around < 79 {
			t.Errorf("%s: %v at its rise", s.name, around)
		}
	}
}

func TestSteadyTimesAreThoseWithoutARise(t *testing.T) {
	const length, settle = 90 * second, 10 * second
	for _, s := range shapes {
		rate := s.of(5, 80, length)
		for _, window := range s.windows(length, settle) {
			before := math.Inf(1)
			for at := window.Begin; window.Contains(at); at = at.Add(10 * time.Millisecond) {
				value := rate(at.Sub(time.Time{}))
				if value > before {
					t.Fatalf("%s rises at %v", s.name, at.Sub(time.Time{}))
				}
				before = value
			}
		}
	}
	step, _ := findShape("step")
	if got := step.windows(30*second, 15*second); len(got) != 1 || got[0].Length() != 5*second {
		t.Errorf("got %v", got)
	}
}

// looksOf are a second apart.
func looksOf(ready ...int) []Look {
	var looks []Look
	for i, count := range ready {
		looks = append(looks, Look{At: time.Duration(i) * second, Ready: count, Total: count})
	}
	return looks
}

func TestTimeToEnough(t *testing.T) {
	looks := looksOf(1, 9, 1, 3, 8, 2, 9)
	for _, c := range []struct {
		rise   time.Duration
		enough float64
		want   time.Duration
		found  bool
	}{{0, 1, 0, true}, {2 * second, 8, 2 * second, true}, {2 * second, 8.5, 4 * second, true}, {0, 10, 0, false}, {7 * second, 1, 0, false}} {
		got, found := timeToEnough(looks, c.rise, c.enough)
		if got != c.want || found != c.found {
			t.Errorf("%+v: %v, %v", c, got, found)
		}
	}
}

func TestShortIsTheTimeWithTooFew(t *testing.T) {
	offered := func(at time.Duration) float64 {
		if at < 3*second {
			return 1
		}
		return 2.5
	}
	if got := short(looksOf(1, 1, 1, 1, 2, 3), offered); got != 2*second {
		t.Errorf("got %v", got)
	}
}

func windowOf(from, to int) []load.Window {
	return []load.Window{{Begin: time.Time{}.Add(time.Duration(from) * second), End: time.Time{}.Add(time.Duration(to) * second)}}
}

func TestDirectionChanges(t *testing.T) {
	for name, c := range map[string]struct {
		looks   []Look
		windows []load.Window
		want    int
	}{
		"nothing":            {nil, windowOf(0, 9), 0},
		"constant":           {looksOf(3, 3, 3, 3), windowOf(0, 9), 0},
		"up with pauses":     {looksOf(1, 2, 2, 3, 3, 9), windowOf(0, 9), 0},
		"up and down":        {looksOf(1, 2, 2, 1), windowOf(0, 9), 1},
		"saw-tooth":          {looksOf(3, 5, 3, 5, 3), windowOf(0, 9), 3},
		"outside of it":      {looksOf(3, 5, 3, 5, 3), windowOf(2, 4), 0},
		"each by itself":     {looksOf(1, 2, 1, 0), append(windowOf(0, 2), windowOf(2, 9)...), 0},
		"nobody is steady":   {looksOf(3, 5, 3), nil, 0},
		"warming ones count": {[]Look{{At: 0, Ready: 2}, {At: second, Ready: 1, Warming: 1}, {At: 2 * second, Ready: 2}}, windowOf(0, 9), 0},
	} {
		if got := directionChanges(c.looks, c.windows); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestExtentAndTime(t *testing.T) {
	looks := looksOf(2, 4, 4, 1)
	least, mean, most := extent(looks)
	if least != 1 || most != 4 || math.Abs(mean-10.0/3) > 1e-9 {
		t.Errorf("%v, %v, %v", least, mean, most)
	}
	if got := instanceSeconds(looks); got != 10 {
		t.Errorf("%v", got)
	}
	if _, mean, _ := extent(looksOf(3)); mean != 3 {
		t.Errorf("%v", mean)
	}
	extent(nil)
}

func example() *Report {
	r := &Report{Head: report.Head{Benchmark: "scaling"}, Length: 9 * second, Low: 5, High: 80, Work: 100 * time.Millisecond, MemoryMB: 512, Settle: second}
	for scaler, looks := range map[string][]Look{byThresholds: looksOf(1, 1, 1, 1, 4, 4, 7, 7, 9, 8), byDefault: looksOf(1, 1, 1, 2, 12, 12, 12, 12, 12, 12)} {
		r.Rows = append(r.Rows, Row{Shape: "step", Scaler: scaler, Looks: looks, Latency: load.Latency{N: 10, P50: 100 * time.Millisecond}, Counts: load.Counts{load.OK: 9, load.Cold: 1}})
	}
	r.Judge()
	return r
}

func TestAims(t *testing.T) {
	r := example()
	for i, outcome := range []string{report.Pass, report.Pass, report.Pass} {
		if r.Aims[i].Outcome != outcome {
			t.Errorf("%+v", r.Aims[i])
		}
	}
	r.find(byDefault, "step").Looks = looksOf(1, 2, 1, 4, 5, 4, 5, 4, 5, 6)
	r.find(byThresholds, "step").Counts["QUEUE_FULL"] = 1
	r.Judge()
	for i, outcome := range []string{report.Miss, report.Miss, report.Miss} {
		if r.Aims[i].Outcome != outcome {
			t.Errorf("%+v", r.Aims[i])
		}
	}
	empty := &Report{}
	empty.Judge()
	for _, verdict := range empty.Aims {
		if verdict.Outcome != report.NotMeasured {
			t.Errorf("%+v", verdict)
		}
	}
}

func TestTable(t *testing.T) {
	text := report.Text(example())
	for _, part := range []string{"thresholds  ", "1 to 12", "5.0", "default  "} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

func TestPictureIsXMLWithALineForEach(t *testing.T) {
	picture := example().Picture()
	decoder := xml.NewDecoder(strings.NewReader(picture))
	lines := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if element, is := token.(xml.StartElement); is && element.Name.Local == "polyline" {
			lines++
		}
	}
	if lines != 3 {
		t.Errorf("%d lines in\n%s", lines, picture)
	}
	(&Report{}).Picture()
}

func TestOptions(t *testing.T) {
	for arguments, right := range map[string]bool{
		"": true, "--seconds=5s --shapes=step,decay": true, "--shapes=circle": false, "--low=9 --high=8": false, "--work=0": false, "--work=1500us": false,
		"--runtime=cobol": false, "--seconds=0s": false, "--every=0s": false,
	} {
		var options Options
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		options.Register(flags)
		err := flags.Parse(strings.Fields(arguments))
		if err == nil {
			err = options.Check()
		}
		if (err == nil) != right {
			t.Errorf("%q: %v", arguments, err)
		}
	}
}
