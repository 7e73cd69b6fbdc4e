package mux

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A Conn is a client's connection to one server. Any number of goroutines may call at once. Its goroutines are a reader,
// which ends with the connection, and for moments a writer.
type Conn struct {
	address string
	limits  rpc.Limits
	log     *rpc.Log
	own     frame.Settings // what this side accepts
	peer    frame.Settings // what the server accepts
	remote  *rpc.Peer

	in      *input
	dec     wire.Decoder // of whoever reads
	refused bool         // it said that no call of the connection runs; of whoever reads
	leaving bool         // GOAWAY has come; of whoever reads
	left    bool         // and PING behind it
	begun   begun        // answers; of whoever reads
	role    readerRole
	out     *output
	slots   slots

	methods    atomic.Pointer[map[*rpc.Method]*clientMethod]
	methodsMu  sync.Mutex
	lastMethod atomic.Pointer[clientMethod] // that was called

	deadlines deadlines
	silence   silence

	done     chan struct{} // closed when the connection takes no more calls
	doneOnce sync.Once
	dead     atomic.Bool   // the reader has ended, and ends the calls that are left
	reader   chan struct{} // closed when the reader has ended
}

// A clientMethod is a method's number on one connection.
type clientMethod struct {
	of     *rpc.Method
	number uint16
	name   []byte        // as a CALL carries it
	named  atomic.Bool   // a CALL with the name has been queued ahead of all that will be
	calls  atomic.Uint32 // since the name was sent
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
	limits, t := o.Limits.WithDefaults(), newTransport(nc)
	c := &Conn{
		address: o.Address, limits: limits, own: frame.SettingsOf(limits), log: o.Log,
		remote: o.Peer,
		in:     newInput(t, &limits, nil), out: newOutput(t, limits.Stall),
		done: make(chan struct{}), reader: make(chan struct{}),
	}
	c.slots.idle = make(chan struct{})
	c.role.begin()
	c.methods.Store(&map[*rpc.Method]*clientMethod{})
	c.deadlines.conn, c.silence.conn, c.begun.limits = c, c, &limits
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

// handshake sends this side's preface and settings and reads the server's, within the time to the first byte or ctx's.
func (c *Conn) handshake(ctx context.Context) error {
	t := c.in.transport
	_ = t.setDeadline(time.Now().Add(c.limits.FirstByte))
	stop := context.AfterFunc(ctx, func() { _ = t.setDeadline(time.Unix(1, 0)) })
	var peer frame.Settings
	_, err := t.nc.Write(c.own.Hello())
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
	c.slots.limit = peer.Calls
	if peer.Calls == 0 {
		return errors.New("the server takes no calls: its setting CALLS is 0")
	}
	return t.setDeadline(time.Time{})
}

// ErrTLS is the error of Dial without TLS to a port that speaks nothing else.
var ErrTLS = errors.New("it answers with an alert of TLS, and so wants TLS")

// readHello reads a preface and a SETTINGS frame.
func readHello(in *input) (frame.Settings, error) {
	var b [frame.PrefaceSize + frame.HeaderSize]byte
	if err := readExactly(in, b[:frame.PrefaceSize]); err != nil {
		return frame.Settings{}, err
	}
	if b[0] == 0x15 && b[1] == 3 { // the head of a TLS record with an alert (RFC 8446, section 5.1)
		return frame.Settings{}, ErrTLS
	}
	if string(b[:len(frame.Magic)]) != frame.Magic {
		return frame.Settings{}, fmt.Errorf("it begins with % x and not with % x", b[:len(frame.Magic)], frame.Magic)
	}
	if v := b[len(frame.Magic)]; v != frame.Version {
		return frame.Settings{}, fmt.Errorf("it speaks version %d, this side version %d", v, frame.Version)
	}
	if err := readExactly(in, b[frame.PrefaceSize:]); err != nil {
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
	if err := readExactly(in, body); err != nil {
		return frame.Settings{}, err
	}
	return frame.ParseSettings(body)
}

// readExactly fills dst without the stall limit, for the handshake has a limit of its own.
func readExactly(in *input, dst []byte) error {
	for len(dst) > 0 {
		if len(in.buffered()) == 0 {
			if err := in.fillOnce(); err != nil {
				return err
			}
		}
		n := copy(dst, in.buffered())
		in.discard(n)
		dst = dst[n:]
	}
	return nil
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
	c.out.drains.Wait()
	c.deadlines.stop()
	c.silence.stop()
	return nil
}

// Call sends call and waits for its answer, for ctx, or for its deadline. Version 1 carries no streams.
func (c *Conn) Call(ctx context.Context, call *rpc.Call) error {
	if call.Body != nil {
		return rpc.NoStreams(call.Method, "mux")
	}
	ctx, expiry := call.Bound(ctx)
	if err := ended(ctx, expiry); err != nil {
		return rpc.NewContextError(call.Method, rpc.OutcomeNotStarted, err, nil)
	}
	end := ctx.Done() // while nothing is taken yet, for a context may be of a type of the caller's own
	p, several, err := c.slots.take(end, expiry)
	if err != nil {
		return c.notTaken(ctx, call, expiry, err)
	}
	c.count(!several && end == nil)
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
	if err := c.queue(p, several); err != nil && p.move(p.id, stateWaiting, stateDelivered) {
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
func (c *Conn) queue(p *pending, several bool) error {
	if p.large != nil {
		return c.out.appendLarge(p.large)
	}
	return c.out.append(p.frame, several, &p.end)
}

// lost returns the error of a call whose connection is gone.
func (c *Conn) lost(m *rpc.Method, o rpc.Outcome) error {
	return rpc.Errorf(rpc.Unavailable, "the connection to %s is gone: %w", c.address, c.slots.reason()).For(m, o)
}

// encode puts the whole CALL into p.frame, or into p.large.
func (c *Conn) encode(ctx context.Context, p *pending, expiry time.Time) (m *clientMethod, err error) {
	m, err = c.method(p.call.Method)
	if err != nil {
		return nil, err
	}
	if err := c.encodeCall(ctx, p, m, expiry); err != nil {
		return nil, err.For(p.call.Method, rpc.OutcomeNotStarted)
	}
	return m, nil
}

func (c *Conn) guard(m *rpc.Method) rpc.Guard { return rpc.Guard{Log: c.log, Method: m, Local: true} }

// encodeCall is encode, as far as it runs code that is not Yodel's.
func (c *Conn) encodeCall(ctx context.Context, p *pending, m *clientMethod, expiry time.Time) (refused *rpc.Error) {
	returned := false
	defer func() {
		if !returned {
			refused = c.guard(p.call.Method).Caught("what encodes the arguments", recover(), func(*rpc.Error) { c.slots.release(p) })
		}
	}()
	refused = c.encodeAll(ctx, p, m, expiry)
	returned = true
	return refused
}

func (c *Conn) encodeAll(ctx context.Context, p *pending, m *clientMethod, expiry time.Time) *rpc.Error {
	h := frame.Header{Type: frame.TypeCall, Method: m.number, ID: p.id}
	b := append(p.frame[:0], make([]byte, frame.HeaderSize)...)
	var head frame.Head
	if !m.named.Load() || m.calls.Add(1)%nameEvery == 0 {
		head.Flags, head.Name = frame.FlagName, m.name
	}
	if !expiry.IsZero() {
		head.SetDeadline(expiry)
	}
	if md := rpc.OutgoingMetadata(ctx); md != nil {
		if err := frame.CheckMetadata(md, min(c.peer.Metadata, c.limits.Metadata)); err != nil {
			return err
		}
		head.SetMetadata(md)
	}
	h.Flags = head.Flags
	b = head.Append(b)
	start := len(b)
	c.out.reset(&p.enc, b)
	p.call.Args.EncodeWire(&p.enc)
	var err error
	if p.frame, err = p.enc.Bytes(); err != nil {
		return rpc.Errorf(rpc.InvalidArgument, "the arguments cannot be encoded: %w", wire.Explain(p.call.Args, err))
	}
	if n, limit := p.enc.Size()-start, min(c.peer.Message, c.limits.Message); n > limit {
		return tooLarge("the arguments have", n, limit)
	}
	p.large = sealFrame(h, p.frame, 0, start, &p.enc)
	if p.large != nil {
		p.frame = nil
	}
	return nil
}

// tooLarge returns the error for a message over a limit; what is "the answer has" or the like.
func tooLarge(what string, n, limit int) *rpc.Error {
	return rpc.Errorf(rpc.ResourceExhausted, "%s %d bytes, over the limit of %d; raise Limits.Message on both sides, "+
		"or send less at a time", what, n, limit)
}

// method returns the number of m on this connection, giving it the next one the first time.
func (c *Conn) method(m *rpc.Method) (*clientMethod, error) {
	if cm := c.lastMethod.Load(); cm != nil && cm.of == m {
		return cm, nil
	}
	if cm := (*c.methods.Load())[m]; cm != nil {
		c.lastMethod.Store(cm)
		return cm, nil
	}
	c.methodsMu.Lock()
	defer c.methodsMu.Unlock()
	old := *c.methods.Load()
	if cm := old[m]; cm != nil {
		return cm, nil
	}
	cm := &clientMethod{of: m, number: uint16(len(old)), name: []byte(m.FullName())}
	switch {
	case len(old) >= c.peer.Methods:
		return nil, rpc.Errorf(rpc.ResourceExhausted, "the server takes no more than %d methods on a connection",
			c.peer.Methods).For(m, rpc.OutcomeNotStarted)
	case len(cm.name) > min(c.peer.Name, c.limits.Name):
		return nil, rpc.Errorf(rpc.InvalidArgument, "the method's name has %d bytes, over the limit of %d", len(cm.name),
			min(c.peer.Name, c.limits.Name)).For(m, rpc.OutcomeNotStarted)
	}
	methods := make(map[*rpc.Method]*clientMethod, len(old)+1)
	for k, v := range old {
		methods[k] = v
	}
	methods[m] = cm
	c.methods.Store(&methods)
	return cm, nil
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
		c.out.withdraw(p.large) // an answer may come before the whole question has gone
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
	id := p.id
	unsent := false
	if p.large != nil {
		unsent = c.out.withdraw(p.large)
		p.enc.Reset(nil)
	}
	if !p.move(id, state, stateAbandoned) {
		return false
	}
	if !unsent {
		var b [frame.HeaderSize]byte
		frame.Header{Type: frame.TypeCancel, ID: id}.Put(b[:])
		_ = c.out.append(b[:], false, nil)
	}
	if (unsent || c.dead.Load()) && p.move(id, stateAbandoned, stateDelivered) {
		c.slots.release(p)
	}
	return true
}
