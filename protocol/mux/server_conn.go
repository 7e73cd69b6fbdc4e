package mux

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/packing"
	"github.com/yodelrpc/yodel/protocol/mux/internal/stream"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// roleInline is set in a connection's role while its reader runs a handler; the other bits count the handlers so run.
const roleInline = 1

// A serverConn is one connection of a server. One goroutine at a time is its reader and has the fields marked so; it
// gives the role up when a handler that it runs blocks (server_inline.go), and then ends with that call.
type serverConn struct {
	server *Server
	peer   *rpc.Peer

	peerMessage  int32 // what the client accepts
	peerMetadata int32
	peerDetails  int32
	answerSize   atomic.Int32 // of the last answer, in bytes; set by whoever encodes one, a hint for the next

	out   *transport.Output
	queue queue

	peerStream, peerStreams int32        // the credit that the client gives beforehand; 0 where it speaks no streams
	streams                 *stream.Conn // nil until the first one; the reader's, and of the streams

	role    atomic.Uint64  // changed by the reader around a handler that it runs, and by the watchdog that takes over
	watched atomic.Bool    // set by the reader that joins the watchdog's connections, cleared by the watchdog
	running atomic.Int32   // calls that are not answered; counted by the reader, the watchdog and workers
	calls   sync.WaitGroup // counts what running does, for the end of the connection to wait for
	drain   drain
	reading sync.WaitGroup // as long as there is a reader

	// The reader's.
	in             *transport.Input
	begun          transport.Assemblies
	methods        []*methodName
	slots          []*[slotChunk]slot
	*readerBuffers               // nil while it waits with nothing to do
	runs           uint64        // of handlers on the reader; a part of role
	packing        *packing.Conn // set by the handshake; nil where the sides have no codec in common
}

// A slot holds the call that takes it: set by the reader, cleared by whoever answers. Slots are made some at a time.
type slot = atomic.Pointer[serverCall]

const slotChunk = 4 // few, for most connections are idle or make one call at a time

// A scratch is a buffer for answers and what encodes into it.
type scratch struct {
	buf []byte
	enc wire.Encoder
}

// readerBuffers are what a reader needs while it has something to do.
type readerBuffers struct {
	dec     wire.Decoder
	scratch scratch // answers of this batch that are not yet sent

	bad       *rpc.Error    // why the arguments of the call that is being read cannot be decoded
	batchSize int32         // of the last batch, in bytes, whose ever it was
	handled   int32         // handlers run since the last flush
	since     time.Duration // of the server's life, when the first of them ran
	handling  *learned      // of the handler that runs; the watchdog reads it once it has taken the role from that
}

var readerBufferPool = sync.Pool{New: func() any { return new(readerBuffers) }}

func (c *serverConn) takeBuffers() {
	if c.readerBuffers == nil {
		c.readerBuffers = readerBufferPool.Get().(*readerBuffers)
	}
}

func (c *serverConn) returnBuffers() {
	c.dec.Reset(nil)
	c.scratch.enc.Reset(nil)
	c.handling = nil
	readerBufferPool.Put(c.readerBuffers)
	c.readerBuffers = nil
}

// read reads frames until the connection ends or another goroutine takes the role.
func (c *serverConn) read() {
	c.takeBuffers()
	lost, err := c.readFrames()
	if lost {
		return
	}
	c.flush()
	if worthReporting(err) {
		c.server.dispatcher.Log.Warn("closing a mux connection", "peer", c.peer.Addr, "reason", err)
	}
	c.sendFault(err)
	c.die(err)
	c.eachCall(c.cancel)
	c.queue.end()
	c.flush()
	c.returnBuffers()
	c.in.Release()
	c.reading.Done()
}

// sendFault tells the client what it broke, if that is what ended the connection.
func (c *serverConn) sendFault(err error) {
	if fault, ok := errors.AsType[*frame.Fault](err); ok {
		c.out.SendFault(fault.Text)
		c.in.Conn().DiscardUnread()
	}
}

// readFrames returns true when another goroutine has become the reader.
func (c *serverConn) readFrames() (lost bool, err error) {
	for {
		h, body, need, err := c.in.Frame()
		if err != nil {
			return false, err
		}
		if need > 0 {
			if err := c.readOn(need); err != nil {
				return false, err
			}
			continue
		}
		c.in.Discard(frame.HeaderSize)
		if h.IsPiece() {
			lost, err = c.piece(h)
		} else {
			lost, err = c.handle(h, body)
		}
		if lost || err != nil {
			return lost, err
		}
	}
}

// readOn sends the answers of this batch and reads more.
func (c *serverConn) readOn(need int) error {
	if c.streams != nil {
		c.streams.Publish()
	}
	c.flush()
	if c.queue.crowded.Load() {
		if err := c.hold(); err != nil {
			return err
		}
	}
	err := c.fill(need)
	if err == transport.ErrKicked || c.drain.forced.Load() {
		c.refuseBegun()
	}
	if err == transport.ErrKicked {
		return nil
	}
	return err
}

// fill reads more, and holds little while it waits for the next frame.
func (c *serverConn) fill(need int) error {
	if len(c.in.Buffered()) == 0 {
		c.returnBuffers()
		defer c.takeBuffers()
	}
	return c.in.Fill(need, c.begun.Wake())
}

// handle handles any frame but MORE, and consumes its body before a handler runs.
func (c *serverConn) handle(h frame.Header, body []byte) (lost bool, err error) {
	if h.Type == frame.TypeCall {
		c.in.Discard(len(body)) // which leaves the bytes in place until more are read
		sc, err := c.call(h, body)
		if sc == nil || err != nil {
			return false, err
		}
		return c.dispatch(sc), nil
	}
	defer c.in.Discard(len(body))
	switch h.Type {
	case frame.TypeCancel:
		if sc := c.find(h.ID); sc != nil {
			c.cancel(sc)
		}
	case frame.TypePing:
		return false, c.out.AppendPong(body)
	case frame.TypePong:
		c.pong(body)
	case frame.TypeItem:
		return false, c.item(h, body)
	case frame.TypeEnd:
		return false, c.endOfItems(h)
	case frame.TypeCredit:
		return false, c.credit(h, body)
	case frame.TypeSettings, frame.TypeResult, frame.TypeException, frame.TypeError:
		return false, frame.Faultf("a client sent a frame of type %d", h.Type)
	}
	return false, nil
}

// call handles a CALL up to where its handler may run. It returns nil for a call that was answered already, or of which
// pieces are missing.
func (c *serverConn) call(h frame.Header, body []byte) (*serverCall, error) {
	s, err := c.freeSlot(h.ID)
	if err != nil {
		return nil, err
	}
	var head frame.Head
	message, err := head.Parse(h.Flags, body, &c.server.own)
	if err != nil {
		return nil, err
	}
	if head.Name != nil {
		if err := c.nameMethod(h.Method, head.Name); err != nil {
			return nil, err
		}
	}
	if int(h.Method) >= len(c.methods) || c.methods[h.Method] == nil {
		return nil, frame.Faultf("a call of method number %d, which has no name", h.Method)
	}
	if h.Flags&frame.FlagCompressed != 0 {
		if err := c.packing.Check(message); err != nil {
			return nil, err
		}
	}
	var sc *serverCall
	if h.Flags&frame.FlagStream != 0 {
		if sc, err = c.newStreamCall(h, message); err != nil {
			return nil, err
		}
	} else {
		sc = new(serverCall)
	}
	sc.conn, sc.id, sc.slot, sc.method = c, h.ID, s, c.methods[h.Method]
	refusal, err := c.prepare(sc, h, &head, message)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		c.refuse(h.ID, refusal)
		return nil, nil
	}
	s.Store(sc)
	if sc.pieces != nil {
		c.begun.Add(sc.pieces)
		c.countRunning(1) // until they are there
		return nil, nil
	}
	return sc, nil
}

// prepare fills sc from a CALL's head and its message, or the first piece of that. The refusal is an answer, err ends
// the connection.
func (c *serverConn) prepare(sc *serverCall, h frame.Header, head *frame.Head, message []byte) (refusal *rpc.Error,
	err error) {
	deadline := head.Deadline() // before anything else takes time
	total := len(message)
	if h.Flags&frame.FlagPieces != 0 {
		total = head.Total
	}
	m := sc.method
	switch {
	case m.err != nil:
		return m.err, nil
	case c.drain.started.Load():
		return errGoingAway, nil
	case head.Late():
		return errLate, nil
	case m.route.Unary() != (sc.stream == nil):
		return rpc.Errorf(rpc.Unimplemented, "%s is a stream at one side and none at the other; generate the code of "+
			"both anew", *m.name), nil
	case total > c.server.own.Message:
		return tooLarge("the arguments have", total, c.server.own.Message), nil
	case total > len(message) && c.begun.Bytes()+len(message) > c.maxBegun():
		return c.tooMuchBegun(), nil
	}
	if h.Flags&frame.FlagPieces != 0 {
		pieces, err := transport.BeginAssembly(h, total, message, false)
		if err != nil {
			return nil, err
		}
		if pieces.Active() {
			sc.pieces = &pieces
		}
	}
	sc.size = int32(min(total+callOverhead, math.MaxInt32))
	sc.Begin(c.peer, m.route.Method, head.Metadata, c.capDeadline(deadline))
	if sc.stream != nil {
		sc.stream.InitServer(c.streams, m.route.Method, h.ID, sc)
		sc.call = m.route.NewStreamCall(sc.stream)
		return nil, nil
	}
	sc.call = m.route.NewCall()
	if sc.pieces == nil {
		c.dec.Reset(message)
		c.decode(sc, h.Flags, message)
	}
	return nil, nil
}

// Why calls are refused.
var (
	errGoingAway = rpc.NewError(rpc.Unavailable, "the server is shutting down")
	errLate      = rpc.NewError(rpc.DeadlineExceeded, "the deadline had passed when the call came")
)

// capDeadline applies the server's own limit.
func (c *serverConn) capDeadline(deadline time.Time) time.Time {
	limit := c.server.dispatcher.Limits.CallTime
	if limit == 0 {
		return deadline
	}
	if own := time.Now().Add(limit); deadline.IsZero() || own.Before(deadline) {
		return own
	}
	return deadline
}

// refuse answers a call that will not run.
func (c *serverConn) refuse(id uint32, e *rpc.Error) {
	c.scratch.buf = appendError(transport.Grow(c.scratch.buf, 128), id, e, nil, frame.FlagNotStarted, nil)
}

// flush sends the answers of this batch.
func (c *serverConn) flush() {
	c.handled = 0
	if n := len(c.scratch.buf); n > 0 {
		c.batchSize = int32(n)
		c.out.Send(c.scratch.buf)
		transport.PutBuffer(c.scratch.buf)
		c.scratch.buf = nil
	}
	if c.drain.started.Load() {
		c.endIfDrained()
	}
}

// errorBody appends an ERROR's body.
func errorBody(b []byte, e *rpc.Error) []byte {
	b = append(b, byte(e.Code))
	return append(b, frame.CutText(e.Message, maxErrorText)...)
}

// maxErrorText bounds an error's text, in bytes.
const maxErrorText = 16 << 10

// appendError appends an ERROR frame.
func appendError(b []byte, id uint32, e *rpc.Error, details []rpc.Detail, flags uint8, md rpc.Metadata) []byte {
	start := len(b)
	b = append(b, make([]byte, frame.HeaderSize)...)
	var head frame.Head
	head.SetMetadata(md)
	b = head.Append(b)
	if len(details) > 0 {
		flags |= frame.FlagDetails
		b = frame.AppendDetails(b, details)
	}
	b = errorBody(b, e)
	frame.Header{Type: frame.TypeError, Flags: flags | head.Flags, ID: id,
		Length: len(b) - start - frame.HeaderSize}.Put(b[start:])
	return b
}
