package transport

import (
	"math"
	"net"

	"github.com/yodelrpc/yodel/protocol/mux/internal/flow"
)

const (
	// streamsPerWrite bounds how long small frames wait behind those of streams.
	streamsPerWrite = 256 << 10
	// StreamQuantum is how many bytes of one stream are written before it is another's turn.
	StreamQuantum = 64 << 10
)

// A Source is a stream that has something to send. An Output asks it when it is its turn, so that a stream takes its
// share of the connection however much it has.
type Source interface {
	// Take appends whole frames to bufs, about [StreamQuantum] bytes, which stay as they are until Taken. Those that
	// need credit take cost of it, of which there are credit bytes. More says that there is more, for which the credit
	// is too little if bufs is what it was.
	Take(bufs net.Buffers, credit int) (_ net.Buffers, cost int, more bool)
	// Taken says that nothing reads any more what Take has returned.
	Taken()
}

// streams are the sources of an Output.
type streams struct {
	sender  flow.Sender // the credit for all of the connection
	ready   []Source    // that have something, in turn: from next on
	next    int
	blocked bool     // the credit is too little for the first of them
	writing []Source // that have something in the write that is under way
}

// InitStreams sets how many bytes streams may bring before any credit, before the first of them is used.
func (o *Output) InitStreams(window int) {
	q := new(streams)
	q.sender.Init(window)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.streams = q
}

// waiting reports whether a source has something.
func (q *streams) waiting() bool { return q != nil && q.next < len(q.ready) }

func (q *streams) push(s Source) {
	if q.next > 64 && q.next > len(q.ready)/2 {
		n := copy(q.ready, q.ready[q.next:])
		clear(q.ready[n:])
		q.ready, q.next = q.ready[:n], 0
	}
	q.ready = append(q.ready, s)
}

func (q *streams) pop() {
	q.ready[q.next] = nil
	if q.next++; q.next == len(q.ready) {
		q.ready, q.next = q.ready[:0], 0
	}
}

// CreditStreams takes note of the connection's credit.
func (o *Output) CreditStreams(offset uint64) {
	o.mu.Lock()
	write := false
	if o.streams.sender.Credit(offset) {
		o.streams.blocked = false
		write = o.startStreamsLocked()
	}
	o.mu.Unlock()
	if write {
		o.flushSoon()
	}
}

// startStreamsLocked reports whether its caller has to write what streams have.
func (o *Output) startStreamsLocked() bool {
	if o.writing || o.err != nil || !o.streams.waiting() || o.streams.blocked {
		return false
	}
	o.writing = true
	return true
}

// Ready says that s, which had nothing, has something to send. It is written at once, or soon on another goroutine.
func (o *Output) Ready(s Source, atOnce bool) {
	o.mu.Lock()
	o.streams.push(s)
	write := o.startStreamsLocked()
	o.mu.Unlock()
	switch {
	case write && atOnce:
		o.write()
	case write:
		o.flushSoon()
	}
}

// flushSoon writes what waits on a goroutine of its own, as the caller, who has set writing, does not. Whoever sends
// one message after another sends some more until it begins, which all go along.
func (o *Output) flushSoon() {
	o.writers.Add(1)
	go o.flush()
}

func (o *Output) flush() {
	defer o.writers.Done()
	for o.writeOn(math.MaxInt) {
	}
}

// takeStreamsLocked adds what streams have to the write that begins.
func (o *Output) takeStreamsLocked() {
	q := o.streams
	for n := 0; n < streamsPerWrite && q.waiting(); n += StreamQuantum {
		s := q.ready[q.next]
		bufs, cost, more := s.Take(o.bufs, q.sender.Left())
		if len(bufs) > len(o.bufs) {
			q.writing = append(q.writing, s)
		} else if more {
			q.blocked = true
			return
		}
		o.bufs = bufs
		q.sender.Sent(cost)
		if q.pop(); more {
			q.push(s)
		}
	}
}

// release lets go of what a write had that has ended.
func (q *streams) release() {
	if q == nil || len(q.writing) == 0 {
		return
	}
	for i, s := range q.writing {
		s.Taken()
		q.writing[i] = nil
	}
	q.writing = q.writing[:0]
}
