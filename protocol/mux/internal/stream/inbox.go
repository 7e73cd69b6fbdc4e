package stream

import (
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
)

// An inbox is what has come and is not yet being read.
type inbox struct {
	entries []entry // from first on
	first   int
	size    int // bytes of all
	space   [2]entry

	begun begun
}

// A begun is a message that has begun to come and is not whole; its zero value is none.
type begun struct {
	pieces  *assembly
	number  int // of it among the stream's
	missing int // bytes that it lacks
	cost    int // what of it has come, in credit, and is not counted as read

	claimed bool      // the receiver waits for it, and its bytes count as read
	queued  bool      // the receiver waits for it, but there is no room to claim it
	since   time.Time // when that began
	granted uint64    // of a queued one: the connection's credit then
}

// An entry is one large message, or a number of small ones with their lengths.
type entry struct {
	buf   []byte
	owned bool
	cost  int // of a large one: what of the credit it gives back when it is read
	room  int // of one that was claimed: what it gives back of the room for those
}

func (b *inbox) empty() bool { return b.first == len(b.entries) }

// add adds an entry. Small ones are put together, so that what a stream holds is near to what it counts.
func (b *inbox) add(e entry) {
	if b.entries == nil {
		b.entries = b.space[:0]
	}
	if last := len(b.entries) - 1; !e.owned && last >= b.first && !b.entries[last].owned {
		to := &b.entries[last]
		if len(e.buf) > cap(to.buf)-len(to.buf) && cap(to.buf) < transport.LargeBuffer {
			to.buf = transport.Grow(to.buf, min(max(len(e.buf), b.size), transport.LargeBuffer-len(to.buf)))
		}
		if len(e.buf) <= cap(to.buf)-len(to.buf) {
			to.buf = append(to.buf, e.buf...)
			b.size += len(e.buf)
			transport.PutBuffer(e.buf)
			return
		}
	}
	b.size += len(e.buf)
	b.entries = append(b.entries, e)
}

// take takes the first entry, of which there is one.
func (b *inbox) take() entry {
	e := b.entries[b.first]
	b.entries[b.first] = entry{}
	b.size -= len(e.buf)
	if b.first++; b.empty() {
		b.entries, b.first = nil, 0
	}
	return e
}

// drop lets go of everything. It returns what that gives back of the room for claimed messages.
func (b *inbox) drop() (room int) {
	for !b.empty() {
		e := b.take()
		if !e.owned {
			transport.PutBuffer(e.buf)
		}
		room += e.room
	}
	if a := b.begun.pieces; a != nil {
		a.buf = nil // which the connection's reader may not learn for long
		if b.begun.claimed {
			room += a.total
		}
	}
	b.begun = begun{number: b.begun.number}
	return room
}
