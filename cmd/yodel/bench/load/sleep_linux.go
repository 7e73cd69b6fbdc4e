package load

import (
	"syscall"
	"time"
)

// sleep sleeps for d, some tens of microseconds too long at the most, where Go's timers take up to a millisecond.
func sleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal may end it early, by which a call starts early once
}
