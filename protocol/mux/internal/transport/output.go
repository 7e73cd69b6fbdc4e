package transport

import (
	"errors"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

const (
	// writeRounds bounds how often a call that writes for others goes on with what has come in the meantime.
	writeRounds = 4
	// maxPongs bounds the PONGs that wait for a peer that does not read.
	maxPongs = 1000
	// piecesPerWrite bounds how long small frames wait behind large messages: a first piece and 512 KiB.
	piecesPerWrite = 9
)

// An Output is the writing half of a connection. Frames are combined: whoever appends one and finds nobody writing
// writes for all who append meanwhile. A write never waits in a caller's goroutine: what the socket does not take at
// once goes to a goroutine, which lives until nothing waits. Any number of goroutines may use an Output at once.
type Output struct {
	conn  *Conn
	stall time.Duration // how long a write waits for the peer to read anything

	mu      sync.Mutex
	buf     []byte // frames that wait
	large   []*LargeMessage
	queued  uint64 // bytes ever given to append or send
	written uint64 // bytes of those that the network took
	taken   uint64 // bytes that it took in all, those of large messages too
	trying  uint64 // written, once the write that is under way succeeds; 0 for none
	waits   uint32 // goroutines there were that waited for the network
	size    int32  // of the buffer that frames need, by how it was last time
	err     error  // the first that a write met; nothing is written after it
	room    chan struct{}

	// The flags stand together, for an idle connection is not to be larger than it has to.
	writing    bool // somebody writes
	waiting    bool // a goroutine waits for the network to take more
	ending     bool // nothing more will be queued
	noCalls    bool // no more calls will be
	everyWrite bool // call onRoom when anything was written

	// What a server holds for a client that does not read.
	full        atomic.Bool // limit bytes are unread; changed with mu held, by whoever queues or writes
	pongs       int32       // in buf
	unsentLarge int         // bytes of large messages that the network has not taken
	limit       int         // of unread bytes, from which on full is set; 0 for none
	onRoom      func()      // called when a write has ended full; see everyWrite

	// Of the write that is under way, and used by whoever writes.
	spare  []byte
	bufs   net.Buffers
	small  int         // bytes of it that are small frames and not yet written
	pieces *pieceWrite // nil until a write has pieces of large messages

	streams *streams // nil until there is one

	writers sync.WaitGroup

	// onWait is called by whoever writes, with what the network has taken while others waited; nil for nobody.
	onWait func(n int, took time.Duration)
}

// NewOutput returns the writing half of t, which gives up when the peer reads nothing for the time stall.
func NewOutput(t *Conn, stall time.Duration) *Output { return &Output{conn: t, stall: stall} }

// Append adds whole frames, which it copies, and sees to it that they are written. For a CALL it sets end to where that
// ends in all that was queued; end is nil for others. A caller with concurrent ones yields, so that the others' frames
// go along.
func (o *Output) Append(frames []byte, concurrent bool, end *uint64) error {
	write, err := o.queue(frames, end)
	if !write {
		return err
	}
	if concurrent {
		runtime.Gosched()
	}
	o.write()
	return nil
}

// AppendLater is Append for a caller who is about to send more: a goroutine writes.
func (o *Output) AppendLater(frames []byte, end *uint64) error {
	write, err := o.queue(frames, end)
	if write {
		o.flushSoon()
	}
	return err
}

// queue adds whole frames, and reports whether its caller has to write.
func (o *Output) queue(frames []byte, end *uint64) (write bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.refusalLocked(end != nil); err != nil {
		return false, err
	}
	if o.buf == nil {
		o.buf = GetBuffer(max(len(frames), int(o.size)))[:0]
	}
	o.buf = append(Grow(o.buf, len(frames)), frames...)
	o.queued += uint64(len(frames))
	o.checkFullLocked()
	if end != nil {
		*end = o.queued
	}
	write = !o.writing
	o.writing = true
	return write, nil
}

var errNoCalls = errors.New("the server takes no more calls")

// refusalLocked returns why a frame is not queued, or nil.
func (o *Output) refusalLocked(call bool) error {
	if o.err == nil && call && o.noCalls {
		return errNoCalls
	}
	return o.err
}

// RefuseCalls makes calls fail that are not queued yet. One behind the PONG that answers the server's last PING would
// find nobody who reads it.
func (o *Output) RefuseCalls() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.noCalls = true
}

// Send is append for frames that may be written from where they are, because nobody needs them before it returns.
func (o *Output) Send(frames []byte) {
	o.mu.Lock()
	if o.err != nil || o.writing || !o.conn.isSocket() {
		o.mu.Unlock()
		_ = o.Append(frames, false, nil)
		return
	}
	o.writing = true
	o.queued += uint64(len(frames))
	o.trying, o.small = o.queued, len(frames)
	o.mu.Unlock()
	o.bufs = append(o.bufs[:0], frames)
	rest := o.tryOnce()
	o.mu.Lock()
	o.trying = 0
	if len(rest) > 0 {
		waiting := o.buf
		o.buf = append(append(Grow(nil, len(rest[0])+len(waiting)), rest[0]...), waiting...)
		PutBuffer(waiting)
	}
	o.checkFullLocked()
	clear(o.bufs)
	idle := o.isIdleLocked()
	o.writing = !idle
	o.mu.Unlock()
	if !idle {
		o.write()
	}
}

// AppendPong answers a PING, unless too many answers wait already.
func (o *Output) AppendPong(body []byte) error {
	o.mu.Lock()
	o.pongs++
	tooMany := o.pongs > maxPongs
	o.mu.Unlock()
	if tooMany {
		return frame.Faultf("it sends PING and does not read the answers")
	}
	_ = o.Append(frame.Append(nil, frame.Header{Type: frame.TypePong}, body), false, nil)
	return nil
}

// Beat sends a frame that means nothing, unless others wait, and returns why the connection has failed.
func (o *Output) Beat() error {
	o.mu.Lock()
	idle, err := !o.writing, o.err
	o.mu.Unlock()
	if idle {
		_ = o.Append(frame.Append(nil, frame.Header{Type: frame.TypePong}, make([]byte, pongSize)), false, nil)
	}
	return err
}

// pongSize is the body of PING and PONG, in bytes.
const pongSize = 8

// Unsent reports whether the network cannot have taken all bytes before *end, which append has set or not yet.
func (o *Output) Unsent(end *uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return max(o.written, o.trying) < *end
}

// AppendLastPong answers a PING of a server that is going away, behind the first frames of all calls that are queued.
func (o *Output) AppendLastPong(body []byte) {
	_ = o.AppendLarge(&LargeMessage{first: frame.Header{Type: frame.TypePong}, prefix: slices.Clone(body)})
}

// SendGoAway tells the peer that the connection takes no more calls, or that it ends, and why.
func (o *Output) SendGoAway(code rpc.Code, text string) {
	_ = o.Append(frame.AppendGoAway(nil, byte(code), text), false, nil)
}

// SendFault sends GOAWAY with the fault that ends the connection, and gives the peer a second to take it.
func (o *Output) SendFault(fault string) {
	o.SendGoAway(rpc.InvalidArgument, fault)
	o.Finish()
	timeout := time.NewTimer(linger)
	defer timeout.Stop()
	for {
		o.mu.Lock()
		over := !o.writing || o.err != nil
		room := o.roomLocked()
		o.mu.Unlock()
		if over {
			return
		}
		select {
		case <-room:
		case <-timeout.C:
			return
		}
	}
}

// Wait waits for the goroutines that write.
func (o *Output) Wait() { o.writers.Wait() }

// linger is how long a side that ends a connection waits for the peer to take the reason and to end it too.
const linger = time.Second

// Finish ends the connection's writing when nothing waits any more. The peer, which sees the end, closes the
// connection.
func (o *Output) Finish() {
	o.mu.Lock()
	o.ending = true
	idle := !o.writing && !o.streams.waiting()
	o.mu.Unlock()
	if idle {
		o.conn.closeWrite()
	}
}

// ResetEncoder makes enc append a frame to b. Over a socket it leaves large content where it is.
func (o *Output) ResetEncoder(enc *wire.Encoder, b []byte) {
	if !o.conn.isSocket() {
		enc.Reset(b)
		return
	}
	enc.ResetSharing(b, shareFrom)
}

// Bound makes limit the number of unread bytes from which on [Output.Full] is true, before anything is queued. When a
// write has ended that, and as [Output.NotifyEveryWrite] has it, onRoom is called.
func (o *Output) Bound(limit int, onRoom func()) { o.limit, o.onRoom = limit, onRoom }

// Limit returns the limit that Bound has set, 0 for none.
func (o *Output) Limit() int { return o.limit }

// Full reports whether as many bytes are unread as the limit allows.
func (o *Output) Full() bool { return o.full.Load() }

// unreadLocked returns how many bytes wait that the network has not taken.
func (o *Output) unreadLocked() int { return int(o.queued-o.written) + o.unsentLarge }

func (o *Output) checkFullLocked() {
	if o.limit > 0 && !o.full.Load() && o.unreadLocked() >= o.limit {
		o.full.Store(true)
	}
}

// NotifyEveryWrite makes every write call onRoom, or only those that end full.
func (o *Output) NotifyEveryWrite(all bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.everyWrite = all
}

// Unread is unreadLocked for those who do not hold the lock.
func (o *Output) Unread() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unreadLocked()
}

// Progress returns how many bytes the network has ever taken, and a number for the writer that waits until it takes
// more, 0 for none.
func (o *Output) Progress() (taken, waiting uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.waiting {
		return o.taken, 0
	}
	return o.taken, uint64(o.waits)
}
