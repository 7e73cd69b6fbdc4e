package packing

import (
	"runtime"
	"time"
)

// A load is how busy the process keeps the machine, from 0 to 1.
type load struct {
	at    time.Time
	used  time.Duration // of processors, until then
	value float64
}

// loadEvery is how often the system is asked.
const loadEvery = 200 * time.Millisecond

// now returns the load of late.
func (l *load) now() float64 {
	now := time.Now()
	passed := now.Sub(l.at)
	if passed < loadEvery {
		return l.value
	}
	used := processorTime()
	if !l.at.IsZero() {
		l.value = min(1, float64(used-l.used)/float64(passed)/float64(runtime.GOMAXPROCS(0)))
	}
	l.at, l.used = now, used
	return l.value
}
