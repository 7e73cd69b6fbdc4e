package pipeline

import (
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A pending is a call that waits. While it is in the queue it belongs to the connection's lock; whoever takes it out
// settles it: sets err and sends to done. It is used again.
type pending struct {
	call   *rpc.Call
	expiry time.Time // zero for never
	seq    uint64    // of its entry
	err    error
	done   chan struct{} // of capacity 1
	stream *clientStream // of a call whose answer is a stream; nil for any other
}

func (p *pending) settle(err error) {
	p.err = err
	p.done <- struct{}{}
}

// An entry is a place in the order of answers. It stays when its caller has left.
type entry struct {
	*pending              // nil once the caller has left
	answer   Answer       // reads the answer
	start    uint64       // of the request's bytes, in all that was ever to be sent
	stream   StreamAnswer // answer, where any number of items come before the end; else nil
}

// A queue is the entries of requests without an answer, in order, in a ring.
type queue struct {
	ring []entry // its length is a power of two
	head uint64  // sequence number of the first entry
	tail uint64  // of the next one to come
}

func (q *queue) len() int { return int(q.tail - q.head) }

func (q *queue) at(seq uint64) *entry { return &q.ring[seq&uint64(len(q.ring)-1)] }

func (q *queue) push(e entry) {
	if q.len() == len(q.ring) {
		q.grow()
	}
	if e.pending != nil {
		e.seq = q.tail
	}
	q.tail++
	*q.at(q.tail - 1) = e
}

func (q *queue) grow() {
	old := *q
	q.ring = make([]entry, max(16, 2*len(old.ring)))
	for seq := old.head; seq < old.tail; seq++ {
		*q.at(seq) = *old.at(seq)
	}
}

func (q *queue) pop() entry {
	first := q.at(q.head)
	e := *first
	*first = entry{}
	q.head++
	return e
}

// holds reports whether p is still in the queue.
func (q *queue) holds(p *pending) bool {
	return p.seq >= q.head && p.seq < q.tail && q.at(p.seq).pending == p
}

// remove takes the entry with the given number out of the middle. The bytes of those after it move forward by size.
func (q *queue) remove(seq, size uint64) {
	for ; seq+1 < q.tail; seq++ {
		e := *q.at(seq + 1)
		e.start -= size
		if e.pending != nil {
			e.seq = seq
		}
		*q.at(seq) = e
	}
	*q.at(seq) = entry{}
	q.tail--
}
