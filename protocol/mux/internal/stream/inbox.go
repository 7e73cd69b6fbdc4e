package stream

import "github.com/yodelrpc/yodel/protocol/mux/internal/transport"

// An inbox is what has come and is not yet being read.
type inbox struct {
	entries []entry // from first on
	first   int
	size    int // bytes of all
	space   [2]entry

	missing int  // bytes that a message lacks which has begun to come
	claimed bool // the receiver waits for that, and its bytes count as read
	begun   int  // what of it has come, in credit, and is not counted as read
}

// An entry is one large message, or a number of small ones with their lengths.
type entry struct {
	buf   []byte
	owned bool
	cost  int // of a large one: what of the credit it gives back when it is read
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

// drop lets go of everything.
func (b *inbox) drop() {
	for !b.empty() {
		if e := b.take(); !e.owned {
			transport.PutBuffer(e.buf)
		}
	}
	b.missing, b.begun, b.claimed = 0, 0, false
}
