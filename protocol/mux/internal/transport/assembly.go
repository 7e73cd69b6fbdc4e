package transport

import (
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
)

// An Assembly is a message arriving in pieces.
type Assembly struct {
	first  frame.Header // of the first piece
	began  time.Time    // when that came
	buf    []byte       // what has arrived, unless it is dropped
	have   int          // bytes that have arrived
	total  int          // 0 while no pieces are missing
	active bool
	drop   bool // the message is refused; its pieces are counted and thrown away
	place  int  // in Assemblies.all
}

const (
	// AssemblyFactor bounds the memory set aside for a message in pieces, for each byte of it that has come. With a
	// first piece of 512 bytes and others of 64 KiB, as this package sends them, a message of up to a megabyte moves
	// once, with one piece.
	AssemblyFactor = 16
	// BegunMessages is for how many of the largest messages in pieces a connection has memory, of calls and of streams
	// each: a sender of calls has no more than four under way at once.
	BegunMessages = 8
	// LateEvery bounds how often many messages are looked through for late ones.
	LateEvery = 100 * time.Millisecond
)

// AssemblyRoom returns how much memory to set aside for a message of total bytes, of which have have come, when n more
// come that do not fit: at most factor times what has come, so that it moves seldom.
func AssemblyRoom(have, n, total, factor int) int { return min(total, max(have+n, factor*have)) }

// BeginAssembly starts a message of total bytes with its first piece.
func BeginAssembly(first frame.Header, total int, piece []byte, drop bool) (Assembly, error) {
	a := Assembly{first: first, total: total, active: true, drop: drop}
	if len(piece) < total {
		a.began = time.Now()
	}
	dst, err := a.next(len(piece))
	copy(dst, piece)
	return a, err
}

// RefusedAssembly is a message of total bytes that has arrived whole, and is refused.
func RefusedAssembly(total int) Assembly { return Assembly{total: total, drop: true} }

// First returns the header of the first piece.
func (a *Assembly) First() frame.Header { return a.first }

// Total returns the bytes of the message in all pieces.
func (a *Assembly) Total() int { return a.total }

// Active reports whether pieces are missing.
func (a *Assembly) Active() bool { return a.active }

// Refused reports whether the message is thrown away.
func (a *Assembly) Refused() bool { return a.drop }

// Message returns what has arrived, unless that is thrown away.
func (a *Assembly) Message() []byte { return a.buf }

// room returns how much memory the message takes with n bytes more.
func (a *Assembly) room(n int) int {
	if a.have+n > cap(a.buf) && !a.drop {
		return AssemblyRoom(a.have, n, a.total, AssemblyFactor)
	}
	return cap(a.buf)
}

// next returns where to read the next n bytes of the message to; nil for nowhere.
func (a *Assembly) next(n int) ([]byte, error) {
	if n == 0 || n > a.total-a.have {
		return nil, frame.Faultf("a piece of %d bytes of a message that lacks %d", n, a.total-a.have)
	}
	room, have := a.room(n), a.have
	a.have += n
	a.active = a.have < a.total
	if a.drop {
		return nil, nil
	}
	if room > cap(a.buf) {
		bigger := recycled.get(room)
		a.buf = bigger[:copy(bigger, a.buf)]
	}
	a.buf = a.buf[:a.have]
	return a.buf[have:], nil
}

// receive reads the next n bytes of the message from in.
func (a *Assembly) receive(in *Input, n int) error {
	dst, err := a.next(n)
	if err != nil {
		return err
	}
	if a.drop {
		return in.Skip(n)
	}
	return in.full(dst, in.limits.MessageDeadline(a.began, a.have))
}

// Assemblies are the messages of a connection of which pieces are missing. They are its reader's, but for
// [Assemblies.Count].
type Assemblies struct {
	limits *rpc.Limits
	all    []*Assembly
	bytes  int          // set aside for them
	wake   time.Time    // when the next one may be late; zero while there are none
	count  atomic.Int32 // of all; changed by the reader, looked at by the drain
}

// Init sets the limits, before anything else is done.
func (b *Assemblies) Init(limits *rpc.Limits) { b.limits = limits }

// All returns the messages. The next Add or Remove changes what it has returned.
func (b *Assemblies) All() []*Assembly { return b.all }

// Bytes returns the bytes that are set aside for the messages.
func (b *Assemblies) Bytes() int { return b.bytes }

// BytesWith returns what Bytes will be when n bytes more of a have come.
func (b *Assemblies) BytesWith(a *Assembly, n int) int { return b.bytes - cap(a.buf) + a.room(n) }

// Count returns how many messages there are. Any goroutine may call it.
func (b *Assemblies) Count() int { return int(b.count.Load()) }

// Wake returns when the next message may be late; zero is never.
func (b *Assemblies) Wake() time.Time { return b.wake }

// Add adds a message of which pieces are missing.
func (b *Assemblies) Add(a *Assembly) {
	a.place = len(b.all)
	b.all = append(b.all, a)
	b.bytes += cap(a.buf)
	b.count.Add(1)
	if by := b.limits.MessageDeadline(a.began, a.have); b.wake.IsZero() || by.Before(b.wake) {
		b.wake = by
	}
}

// Remove takes a message out, whether or not it is whole.
func (b *Assemblies) Remove(a *Assembly) {
	last := len(b.all) - 1
	b.all[a.place] = b.all[last]
	b.all[a.place].place = a.place
	b.all[last] = nil
	b.all = b.all[:last]
	b.bytes -= cap(a.buf)
	b.count.Add(-1)
	if last == 0 {
		b.wake = time.Time{}
		if cap(b.all) > maxKept {
			b.all = nil
		}
	}
}

// Receive reads the next n bytes of a from in. When a is whole it is not one of them any more.
func (b *Assemblies) Receive(a *Assembly, in *Input, n int) error {
	b.bytes -= cap(a.buf)
	err := a.receive(in, n)
	b.bytes += cap(a.buf)
	if err == nil && !a.active {
		b.Remove(a)
	}
	return err
}

// maxKept is for how many messages a connection keeps the list that it needed once.
const maxKept = 64

// Late returns the messages that should be whole by now.
func (b *Assemblies) Late() (late []*Assembly) {
	now := time.Now()
	if b.wake.IsZero() || now.Before(b.wake) {
		return nil
	}
	b.wake = time.Time{}
	for _, a := range b.all {
		by := b.limits.MessageDeadline(a.began, a.have)
		if !now.Before(by) {
			late = append(late, a)
			by = now.Add(LateEvery)
		}
		if b.wake.IsZero() || by.Before(b.wake) {
			b.wake = by
		}
	}
	if soon := now.Add(LateEvery); b.wake.Before(soon) {
		b.wake = soon
	}
	return late
}
