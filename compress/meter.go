package compress

import "time"

// A Meter finds the bandwidth of a link from how long it takes to write while more waits to be written. The zero value
// has seen nothing. It reads no clock. One goroutine at a time uses it.
type Meter struct {
	bytes, seconds float64
}

const (
	// meterMemory is how many seconds of waiting the meter looks back.
	meterMemory = 0.5
	// A bandwidth is known after so much: less may be the filling of a buffer, or another's turn on the processor.
	leastBytes   = 64 << 10
	leastSeconds = 0.01
)

// Wrote tells that the network took n bytes in the time took, in which others waited. Bytes and times are summed before
// they are divided, so that a burst into an empty buffer weighs no more than the time it took.
func (m *Meter) Wrote(n int, took time.Duration) {
	m.bytes += float64(n)
	m.seconds += took.Seconds()
	if m.seconds > meterMemory {
		m.bytes *= meterMemory / m.seconds
		m.seconds = meterMemory
	}
}

// Bandwidth returns bytes a second, or 0 where not enough has been seen.
func (m *Meter) Bandwidth() float64 {
	if m.bytes < leastBytes || m.seconds < leastSeconds {
		return 0
	}
	return m.bytes / m.seconds
}
