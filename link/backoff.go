package link

import (
	"cmp"
	"math/rand/v2"
	"time"
)

// A Backoff says how long to wait between attempts that fail: a random time below a limit that doubles with each
// failure in a row ("full jitter"), so that callers which lost a server together do not come back together.
type Backoff struct {
	Base time.Duration // the limit after the first failure; default 100 ms
	Max  time.Duration // the limit after many; default 10 s
}

// WithDefaults returns b with its zeroes replaced.
func (b Backoff) WithDefaults() Backoff {
	return Backoff{Base: cmp.Or(b.Base, 100*time.Millisecond), Max: cmp.Or(b.Max, 10*time.Second)}
}

// Delay returns the wait after the given number of failures in a row, which is at least 1.
func (b Backoff) Delay(failures int) time.Duration {
	limit := b.Base
	for range failures - 1 {
		limit *= 2
		if limit >= b.Max {
			break
		}
	}
	return rand.N(min(limit, b.Max))
}
