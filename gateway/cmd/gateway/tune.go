package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// Collecting garbage less often costs memory that a small heap has to spare;
// beyond the limit it is collected as often as it takes.
const (
	gcPercent   = 400
	memoryLimit = 512 << 20
)

// tune fits Go's runtime to a program that shares its machine with all that it
// stands in front of: threads that look for work take it from those who have
// it. What the environment sets (GOMAXPROCS, GOGC, GOMEMLIMIT) stays.
// docs/performance.md has what it won.
func tune() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS((runtime.NumCPU() + 1) / 2)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
