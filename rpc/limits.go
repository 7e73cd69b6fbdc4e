package rpc

import (
	"cmp"
	"fmt"
	"math"
	"time"
)

// Limits bound what one peer can cost, whichever side it is. The zero value of each means its default; a negative one
// is an error, and so is one over 2 GiB - 1 or a year.
type Limits struct {
	Message  int // bytes of one message's payload, sent or received; default 4 MiB
	Name     int // bytes of a method's name; default 256
	Metadata int // bytes of all metadata of one call; default 8 KiB, at most 32 KiB over mux
	Calls    int // calls in flight on one connection; default 10,000

	// Stream and Streams bound the bytes of streams' messages that have come and that nobody has read: of one stream,
	// and of all streams of a connection. A stream begins with 64 KiB. It gets more as far as its reader keeps up and
	// the sender has to wait for it: 192 KiB at first, and up to Stream where the way to the sender is so long that it
	// takes more to keep it filled. Each at least 32 KiB; default 4 MiB and 16 MiB.
	Stream, Streams int

	// MessageTime is how long a message may take to arrive, from its first byte; default 30 s. Each 16 KiB of it that
	// have arrived give it a second more, so that a large message needs no larger limit.
	MessageTime time.Duration

	Stall time.Duration // of a write of which the peer reads nothing; default 30 s

	// Silence is how long a client waits for a byte while calls are in flight before it doubts the connection; default
	// 10 s. mux then asks the server with a PING, and gives the connection up after as long again. basic and line give
	// it up when three deadlines in a row have passed without a byte, and Silence since the first of them; calls
	// without a deadline never count. It is also the time for mux's settings, when a connection begins.
	Silence time.Duration
}

// ServerLimits are Limits and those that only a server has, of which the same holds.
type ServerLimits struct {
	Limits
	Conns int // connections a server serves at once; default no limit
	// until a new connection has sent its first request's first bytes, HTTP its header; default 10 s
	FirstByte time.Duration
	CallTime  time.Duration // that a call may run, whatever deadline its caller set; default no limit
	// bytes of answers that a server holds for one connection whose peer does not read; default 4 MiB
	Answers int
}

// leastRate is the bytes a second that a message needs to make progress with once it has used up MessageTime.
const leastRate = 16 << 10

// WithDefaults returns l with each zero replaced by its default.
func (l Limits) WithDefaults() Limits {
	setDefault(&l.Message, 4<<20)
	setDefault(&l.Name, 256)
	setDefault(&l.Metadata, 8<<10)
	setDefault(&l.Calls, 10_000)
	setDefault(&l.Stream, 4<<20)
	setDefault(&l.Streams, 16<<20)
	setDefault(&l.MessageTime, 30*time.Second)
	setDefault(&l.Stall, 30*time.Second)
	setDefault(&l.Silence, 10*time.Second)
	return l
}

// WithDefaults returns l with each zero replaced by its default.
func (l ServerLimits) WithDefaults() ServerLimits {
	l.Limits = l.Limits.WithDefaults()
	setDefault(&l.FirstByte, 10*time.Second)
	setDefault(&l.Answers, 4<<20)
	return l
}

func setDefault[T int | time.Duration](p *T, v T) {
	if *p == 0 {
		*p = v
	}
}

// MessageDeadline returns when a message has to be whole of which the first byte came at began, and n bytes have come.
func (l Limits) MessageDeadline(began time.Time, n int) time.Time {
	return began.Add(l.MessageTime + time.Duration(n/leastRate)*time.Second)
}

// The largest limits: sums of them stay within their types.
const (
	maxLimit     = math.MaxInt32
	maxLimitTime = 365 * 24 * time.Hour
)

// leastWindow is what a stream needs: the least that PROTOCOL.md of mux allows.
const leastWindow = 32 << 10

// Validate returns an error that names the first limit that is negative, over 2,147,483,647 or longer than a year, or
// too small for a stream to get on.
func (l Limits) Validate() error {
	return cmp.Or(
		checkLimit("Limits.Message", l.Message, maxLimit),
		checkLimit("Limits.Name", l.Name, maxLimit),
		checkLimit("Limits.Metadata", l.Metadata, maxLimit),
		checkLimit("Limits.Calls", l.Calls, maxLimit),
		checkWindow("Limits.Stream", l.Stream),
		checkWindow("Limits.Streams", l.Streams),
		checkLimit("Limits.MessageTime", l.MessageTime, maxLimitTime),
		checkLimit("Limits.Stall", l.Stall, maxLimitTime),
		checkLimit("Limits.Silence", l.Silence, maxLimitTime),
	)
}

// Validate is that of Limits, for the server's too.
func (l ServerLimits) Validate() error {
	return cmp.Or(
		l.Limits.Validate(),
		checkLimit("ServerLimits.Conns", l.Conns, maxLimit),
		checkLimit("ServerLimits.FirstByte", l.FirstByte, maxLimitTime),
		checkLimit("ServerLimits.CallTime", l.CallTime, maxLimitTime),
		checkLimit("ServerLimits.Answers", l.Answers, maxLimit),
	)
}

func checkWindow(name string, v int) error {
	if 0 < v && v < leastWindow {
		return fmt.Errorf("rpc.%s is %d; the least is %d, or leave it 0 for its default", name, v, leastWindow)
	}
	return checkLimit(name, v, maxLimit)
}

func checkLimit[T int | time.Duration](name string, v, most T) error {
	switch {
	case v < 0:
		return fmt.Errorf("rpc.%s is %v, and cannot be negative; leave it 0 for its default", name, v)
	case v > most:
		return fmt.Errorf("rpc.%s is %v; the most is %v", name, v, most)
	}
	return nil
}
