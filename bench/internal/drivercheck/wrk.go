package drivercheck

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outcome is what a driver found out in one round.
type outcome struct {
	PerSecond float64       `json:"per_second"`
	P50       time.Duration `json:"p50_ns"`
	P99       time.Duration `json:"p99_ns"`
	// Processor time of the driver for one call.
	CPU    time.Duration `json:"cpu_ns"`
	Errors int64         `json:"errors"`
}

// wrk runs it with one thread, as many connections as there are clients, and
// the same event in each call.
func wrk(ctx context.Context, program, address string, event []byte, clients int, length time.Duration) (outcome, error) {
	work, err := os.MkdirTemp("", "so-bench-wrk-")
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(work)
	script := filepath.Join(work, "post.lua")
	text := fmt.Sprintf("wrk.method = \"POST\"\nwrk.body = %s\nwrk.headers[\"Content-Type\"] = \"application/json\"\n", luaString(event))
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		return outcome{}, err
	}
	command := exec.CommandContext(ctx, program, "--latency", "--threads=1", fmt.Sprintf("--connections=%d", clients),
		fmt.Sprintf("--duration=%ds", int(length.Seconds())), "--timeout=30s", "--script="+script, "http://"+address+"/")
	printed, err := command.Output()
	if err != nil {
		return outcome{}, fmt.Errorf("wrk: %w: %s", err, printed)
	}
	found, requests, err := parseWrk(string(printed))
	if err != nil {
		return outcome{}, err
	}
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		found.CPU = time.Duration(usage.Utime.Nano()+usage.Stime.Nano()) / time.Duration(requests)
	}
	return found, nil
}

// luaString quotes JSON without control characters, which needs little.
func luaString(text []byte) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(text)) + `"`
}

// parseWrk reads what it prints, and also returns how many requests it made.
func parseWrk(printed string) (outcome, int64, error) {
	var found outcome
	var requests int64
	problem := errors.New("wrk printed something unexpected:\n" + printed)
	for line := range strings.Lines(printed) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		var err error
		switch {
		case fields[0] == "50%":
			found.P50, err = time.ParseDuration(fields[1])
		case fields[0] == "99%":
			found.P99, err = time.ParseDuration(fields[1])
		case fields[0] == "Requests/sec:":
			found.PerSecond, err = strconv.ParseFloat(fields[1], 64)
		case fields[1] == "requests":
			requests, err = strconv.ParseInt(fields[0], 10, 64)
		case strings.HasPrefix(strings.TrimSpace(line), "Socket errors:"), strings.HasPrefix(strings.TrimSpace(line), "Non-2xx"):
			found.Errors += sum(line)
		}
		if err != nil {
			return outcome{}, 0, problem
		}
	}
	if found.P50 == 0 || found.P99 == 0 || found.PerSecond == 0 || requests == 0 {
		return outcome{}, 0, problem
	}
	return found, requests, nil
}

// sum adds the numbers that stand alone in a line.
func sum(line string) int64 {
	var all int64
	for _, word := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' }) {
		if value, err := strconv.ParseInt(word, 10, 64); err == nil {
			all += value
		}
	}
	return all
}
