package mux

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/packing"
	"github.com/yodelrpc/yodel/protocol/mux/internal/stream"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A Conn is a client's connection to one server. Any number of goroutines may call at once. Its goroutines are a
// reader, which ends with the connection, for moments a writer, and after GOAWAY one that waits for the last call.
// Close waits for them.
type Conn struct {
	address string
	limits  rpc.Limits
	log     *rpc.Log
	remote  *rpc.Peer

	in          *transport.Input
	dec         wire.Decoder         // of whoever reads
	refused     bool                 // it said that no call of the connection runs; of whoever reads
	goAwayRead  bool                 // GOAWAY has come; of whoever reads
	goAwayAcked bool                 // and PING behind it, which is answered; of whoever reads
	begun       transport.Assemblies // answers; of whoever reads
	role        readerRole
	out         *transport.Output
	slots       slots
	streams     stream.Conn

	methods    atomic.Pointer[map[*rpc.Method]*clientMethod] // replaced with methodsMu held
	methodsMu  sync.Mutex
	lastMethod atomic.Pointer[clientMethod] // that was called; set by callers

	deadlines deadlines
	silence   silence

	done     chan struct{} // closed when the connection takes no more calls
	doneOnce sync.Once
	dead     atomic.Bool    // set by the reader at its end, before it ends the calls that are left
	reader   chan struct{}  // closed when the reader has ended
	draining sync.WaitGroup // what ends the connection when the last call behind GOAWAY has; the reader starts it

	// These are set by Dial and only read after it. They stand where nothing that callers write is near.
	own      frame.Settings   // what this side accepts
	peer     frame.Settings   // what the server accepts
	packing  *packing.Conn    // nil where the sides have no codec in common
	compress compress.Options // of this side
}

// A clientMethod is a method's number on one connection.
type clientMethod struct {
	of      *rpc.Method
	number  uint16
	name    []byte          // as a CALL carries it
	named   atomic.Bool     // set by the caller whose CALL with the name is queued, ahead of all to come
	calls   atomic.Uint32   // since the name was sent; counted by callers
	packing *packing.Method // of arguments
}

// nameEvery is how often a method's name is sent again, section 4.
const nameEvery = 256

var errClosed = errors.New("the connection was closed by this side")

// Dial opens a connection and exchanges settings.
func Dial(ctx context.Context, o rpc.ConnOptions) (*Conn, error) {
	nc, err := o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	limits, t := o.Limits.WithDefaults(), transport.NewConn(nc)
	c := &Conn{
		address: o.Address, limits: limits, own: frame.SettingsOf(limits), log: o.Log,
		remote: o.Peer, compress: o.Compress,
		in: transport.NewInput(t, &limits, nil), out: transport.NewOutput(t, limits.Stall),
		done: make(chan struct{}), reader: make(chan struct{}),
	}
	c.slots.idle = make(chan struct{})
	c.role.begin()
	c.methods.Store(&map[*rpc.Method]*clientMethod{})
	c.deadlines.conn, c.silence.conn = c, c
	c.own.Codecs = packing.Names(&c.compress)
	c.begun.Init(&limits)
	if err := c.handshake(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("%s does not answer as a mux server: %w", o.Address, err)
	}
	go func() {
		defer close(c.reader)
		rpc.Persist(c.read)
	}()
	return c, nil
}

// handshake sends this side's preface and settings and reads the server's, within Limits.Silence or ctx's.
func (c *Conn) handshake(ctx context.Context) error {
	t := c.in.Conn()
	_ = t.SetDeadline(time.Now().Add(c.limits.Silence))
	stop := context.AfterFunc(ctx, func() { _ = t.SetDeadline(time.Unix(1, 0)) })
	var peer frame.Settings
	_, err := t.NetConn().Write(c.own.Hello())
	if err == nil {
		peer, err = readHello(c.in)
	}
	if !stop() {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	c.peer = peer
	c.packing = packing.New(&c.compress, peer.Codecs, t.NetConn())
	meter(c.packing, c.out)
	c.slots.limit = peer.Calls
	c.streams.Init(c.out, &c.own, peer, &c.limits, c.limits.Message)
	if peer.Calls == 0 {
		return errors.New("the server takes no calls: its setting CALLS is 0")
	}
	return t.SetDeadline(time.Time{})
}

// readHello reads a preface and a SETTINGS frame.
func readHello(in *transport.Input) (frame.Settings, error) {
	var b [frame.PrefaceSize + frame.HeaderSize]byte
	if err := in.ReadExactly(b[:frame.PrefaceSize]); err != nil {
		return frame.Settings{}, err
	}
	if b[0] == 0x15 && b[1] == 3 {
		return frame.Settings{}, rpc.ErrTLSOnly
	}
	if string(b[:len(frame.Magic)]) != frame.Magic {
		return frame.Settings{}, fmt.Errorf("it begins with % x and not with % x", b[:len(frame.Magic)], frame.Magic)
	}
	if v := b[len(frame.Magic)]; v != frame.Version {
		return frame.Settings{}, fmt.Errorf("it speaks version %d, this side version %d", v, frame.Version)
	}
	if err := in.ReadExactly(b[frame.PrefaceSize:]); err != nil {
		return frame.Settings{}, err
	}
	h, err := frame.ParseHeader(b[frame.PrefaceSize:])
	if err != nil {
		return frame.Settings{}, err
	}
	if h.Type != frame.TypeSettings {
		return frame.Settings{}, frame.Faultf("the first frame has type %d and not SETTINGS", h.Type)
	}
	body := make([]byte, h.Length)
	if err := in.ReadExactly(body); err != nil {
		return frame.Settings{}, err
	}
	return frame.ParseSettings(body)
}

// Done is closed when the connection takes no more calls.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Ended is closed when the connection has ended, after the calls that were in flight when Done was closed.
func (c *Conn) Ended() <-chan struct{} { return c.reader }

// Peer returns the server's end, as Dial was told.
func (c *Conn) Peer() *rpc.Peer { return c.remote }

// Err returns why the connection takes no more calls.
func (c *Conn) Err() error { return c.slots.reason() }

// Close ends the connection and every call on it.
func (c *Conn) Close() error {
	c.die(errClosed)
	<-c.reader
	<-c.slots.idle
	c.draining.Wait()
	c.out.Wait()
	c.deadlines.stop()
	c.silence.stop()
	return nil
}

// Call sends call and waits for its answer, for ctx, or for its deadline. One with a stream ends when its Body does.
func (c *Conn) Call(ctx context.Context, call *rpc.Call) error {
	if call.Body != nil {
		return c.callStream(ctx, call)
	}
	ctx, expiry := call.Bound(ctx)
	if err := ended(ctx, expiry); err != nil {
		return rpc.NewContextError(call.Method, rpc.OutcomeNotStarted, err, nil)
	}
	end := ctx.Done() // while nothing is taken yet, for a context may be of a type of the caller's own
	p, concurrent, err := c.slots.take(end, expiry)
	if err != nil {
		return c.notTaken(ctx, call, expiry, err)
	}
	c.count(!concurrent && end == nil)
	p.call = call
	method, err := c.encode(ctx, p, expiry)
	if err != nil {
		c.slots.release(p)
		return err
	}
	p.expiry.Store(0)
	if !expiry.IsZero() {
		p.expiry.Store(expiry.UnixNano())
	}
	p.end = math.MaxUint64
	p.state.Store(uint64(p.id)<<stateBits | stateWaiting)
	if err := c.queue(p, concurrent); err != nil && p.move(p.id, stateWaiting, stateDelivered) {
		c.stopCalls(err)
		c.toReader() // which learns the rest
		c.slots.release(p)
		return c.lost(call.Method, rpc.OutcomeNotStarted)
	}
	if p.large == nil {
		method.named.Store(true)
	}
	if !c.silence.watching.Load() {
		c.silence.watch()
	}
	if !expiry.IsZero() {
		c.deadlines.watch(p.expiry.Load())
	}
	return c.wait(ctx, end, p)
}

// ended returns why a call must not even begin.
func ended(ctx context.Context, expiry time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !expiry.IsZero() && !time.Now().Before(expiry) {
		return context.DeadlineExceeded
	}
	return nil
}

// notTaken returns the error of a call that got no slot.
func (c *Conn) notTaken(ctx context.Context, call *rpc.Call, expiry time.Time, err error) error {
	if err != errFull {
		<-c.done // which is about to be closed: whoever gets the error finds the connection ended
		return c.lost(call.Method, rpc.OutcomeNotStarted)
	}
	why := context.DeadlineExceeded
	if err := ctx.Err(); err != nil {
		why = err
	}
	cause := fmt.Errorf("%w: %d calls are in flight to %s", err, c.slots.limit, c.address)
	return rpc.NewContextError(call.Method, rpc.OutcomeNotStarted, why, cause)
}

// queue hands the encoded call to the output.
func (c *Conn) queue(p *pending, concurrent bool) error {
	if p.large != nil {
		return c.out.AppendLarge(p.large)
	}
	return c.out.Append(p.frame, concurrent, &p.end)
}

// lost returns the error of a call whose connection is gone.
func (c *Conn) lost(m *rpc.Method, o rpc.Outcome) error {
	return rpc.Errorf(rpc.Unavailable, "the connection to %s is gone: %w", c.address, c.slots.reason()).For(m, o)
}

// wait waits for the answer of p's call, and gives up when ctx, of which end is the Done, or the deadline ends.
func (c *Conn) wait(ctx context.Context, end <-chan struct{}, p *pending) error {
	method := p.call.Method
	if end == nil && c.role.holder.Load() != roleReader {
		c.awaitReading(p)
	} else if end == nil {
		<-p.done
	} else {
		c.toReader()
		select {
		case <-p.done:
		case <-end:
			if c.abandon(p, stateWaiting) {
				return rpc.NewContextError(method, rpc.OutcomeUnknown, ctx.Err(), nil)
			}
			<-p.done
		}
	}
	return c.finish(ctx, p)
}

// finish returns what a call that has been woken ended with.
func (c *Conn) finish(ctx context.Context, p *pending) error {
	method := p.call.Method
	if p.large != nil {
		c.out.Withdraw(p.large) // an answer may come before the whole question has gone
		p.enc.Reset(nil)
	}
	if _, state := p.now(); state == stateDelivered {
		err, md := p.err, p.metadata
		c.slots.release(p)
		if md != nil {
			rpc.StoreAnswerMetadata(ctx, md)
		}
		return err
	}
	if !c.abandon(p, stateExpired) {
		c.slots.release(p)
	}
	return rpc.NewContextError(method, rpc.OutcomeUnknown, context.DeadlineExceeded, nil)
}

// abandon gives up a call in the given state and tells the server, which then answers for the last time and so frees
// the slot. It returns false when the call was answered before. Once it has returned true, p is another's.
func (c *Conn) abandon(p *pending, state uint64) bool {
	id, told := p.id, p.told
	unsent := false
	if p.large != nil {
		unsent = c.out.Withdraw(p.large)
		p.enc.Reset(nil)
	}
	if !p.move(id, state, stateAbandoned) {
		return false
	}
	if !unsent && !told {
		c.sendCancel(id)
	}
	if (unsent || c.dead.Load()) && p.move(id, stateAbandoned, stateDelivered) {
		c.slots.release(p)
	}
	return true
}
