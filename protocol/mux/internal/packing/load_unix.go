//go:build unix

package packing

import (
	"syscall"
	"time"
)

// processorTime returns how long the process has had processors.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0 // a load of none, and so the cost of compressing as it is
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
