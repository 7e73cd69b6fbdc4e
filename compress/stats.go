package compress

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Stats are sums of what was decided about messages, and of what came of it, for each method and direction, over all
// connections that have had them. The zero value is ready. Messages below every codec's floor, and all on connections
// whose sides have no codec in common, are not counted.
type Stats struct {
	mu      sync.Mutex
	methods map[statsKey]*Counter
}

type statsKey struct {
	method   string
	requests bool
}

// MethodStats are the Stats of one method in one direction. Each message is counted once in Unlimited, NotWorth,
// Unwanted, Sent or Dropped.
type MethodStats struct {
	Method   string // its full name
	Requests bool   // messages of callers; else those of servers

	Unlimited int64 // sent as they were, for nothing has had to wait for the network
	NotWorth  int64 // sent as they were, for it would have taken longer
	Unwanted  int64 // sent as they were, for the policy, the call's choice or the kind of network says so
	Tries     int64 // of those sent or dropped: of a codec that was not in use, to see whether it should be
	Sent      int64 // sent compressed
	Dropped   int64 // compressed, and sent as they were, for too little was saved

	Bytes      int64         // of those that were compressed, before that
	Compressed int64         // of the same, as they were sent: compressed, or as they were if dropped
	Time       time.Duration // that compressing took
}

// A Counter counts for one method and direction, which is for protocols to do. Any number of goroutines may use it at
// once; a nil one counts nothing.
type Counter struct {
	decisions                                     [try + 1]atomic.Int64
	sent, dropped, bytes, compressed, nanoseconds atomic.Int64
}

// sums returns what has been counted for the method and direction.
func (c *Counter) sums(key statsKey) MethodStats {
	return MethodStats{
		Method: key.method, Requests: key.requests,
		Unlimited: c.decisions[unlimited].Load(), NotWorth: c.decisions[notWorth].Load(),
		Unwanted: c.decisions[unwanted].Load(), Tries: c.decisions[try].Load(),
		Sent: c.sent.Load(), Dropped: c.dropped.Load(), Bytes: c.bytes.Load(), Compressed: c.compressed.Load(),
		Time: time.Duration(c.nanoseconds.Load()),
	}
}

// Methods returns what has been counted until now, ordered by method, requests first. A message that is being counted
// meanwhile may be in some sums already, and not in others.
func (s *Stats) Methods() []MethodStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]MethodStats, 0, len(s.methods))
	for key, c := range s.methods {
		all = append(all, c.sums(key))
	}
	slices.SortFunc(all, func(a, b MethodStats) int {
		if c := cmp.Compare(a.Method, b.Method); c != 0 || a.Requests == b.Requests {
			return c
		}
		if a.Requests {
			return -1
		}
		return 1
	})
	return all
}

// Method returns where to count for a method and direction; nil for nil Stats.
func (s *Stats) Method(name string, requests bool) *Counter {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := statsKey{name, requests}
	m := s.methods[key]
	if m == nil {
		if s.methods == nil {
			s.methods = make(map[statsKey]*Counter)
		}
		m = new(Counter)
		s.methods[key] = m
	}
	return m
}

// A decision is one of the counts of MethodStats that say why a message was not compressed, or why it was.
type decision uint8

const (
	unlimited decision = iota
	notWorth
	unwanted
	try
)

func (c *Counter) count(d decision) {
	if c != nil {
		c.decisions[d].Add(1)
	}
}

// CountUnwanted counts a message that nobody wanted compressed.
func (c *Counter) CountUnwanted() { c.count(unwanted) }

// CountTried counts a message of size bytes of which packed were made in the time took, and sent or not.
func (c *Counter) CountTried(size, packed int, took time.Duration, sent bool) {
	switch {
	case c == nil:
		return
	case sent:
		c.sent.Add(1)
		c.compressed.Add(int64(packed))
	default:
		c.dropped.Add(1)
		c.compressed.Add(int64(size))
	}
	c.bytes.Add(int64(size))
	c.nanoseconds.Add(int64(took))
}
