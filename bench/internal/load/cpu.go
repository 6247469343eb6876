package load

import (
	"syscall"
	"time"
)

// OwnCPU is the processor time that this process has used: the driver.
func OwnCPU() time.Duration {
	var usage syscall.Rusage
	// Cannot fail for the process itself.
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
