package load

import (
	"syscall"
	"time"
)

// sleep sleeps for d with the kernel's precision, which is some tens of microseconds.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	// A signal may end it early; the caller looks at the clock anyway.
	_ = syscall.Nanosleep(&t, nil)
}
