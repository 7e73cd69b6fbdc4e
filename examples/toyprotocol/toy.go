// Package toyprotocol is a protocol of one's own, as small as one can be: it shows what [rpc.Protocol] asks for. A
// connection begins with "TOY1". A request is a method's name and its arguments, an answer a status and a part that the
// status tells of; each part has its length in four bytes in front, and messages are in protobuf's wire format. There
// is one call at a time.
package toyprotocol

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

const preface = "TOY1"

// The statuses. From statusException on they are declared exceptions, by their order in the definition.
const (
	statusResult     = 0 // and the result
	statusError      = 1 // and a byte with the code, and the text
	statusNotStarted = 2 // likewise, and no handler has begun
	statusException  = 3 // and the exception
)

// Protocol returns the protocol, to be appended to [yodel.Protocols].
func Protocol() rpc.Protocol {
	return rpc.Protocol{
		Scheme:      "toy",
		ALPN:        []string{"example-toy/1"},
		Detect:      func(head []byte) rpc.Match { return rpc.MatchPrefix(head, preface) },
		DetectBytes: len(preface),
		Dial:        dial,
		NewServer: func(d *rpc.Dispatcher) rpc.ProtocolServer {
			return &server{d: d, conns: make(map[net.Conn]bool), empty: make(chan struct{})}
		},
	}
}

// appendPart appends a part with its length in front.
func appendPart(b, part []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
}

// readPart reads a part of up to limit bytes.
func readPart(r io.Reader, limit int) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if uint64(n) > uint64(limit) {
		return nil, fmt.Errorf("a part of %d bytes; the limit is %d", n, limit)
	}
	// Memory in step with the bytes that arrive: a length is soon written.
	part, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(part) < int(n) {
		err = io.ErrUnexpectedEOF
	}
	return part, err
}

// A conn is the client's side.
type conn struct {
	nc     net.Conn
	limits rpc.Limits
	peer   *rpc.Peer
	in     *bufio.Reader
	turn   chan struct{} // holds a value while no call runs

	mu   sync.Mutex
	err  error
	done chan struct{}
}

func dial(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) {
	nc, err := o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(nc, preface); err != nil {
		nc.Close()
		return nil, err
	}
	c := &conn{
		nc: nc, limits: o.Limits.WithDefaults(), peer: o.Peer, in: bufio.NewReader(nc),
		turn: make(chan struct{}, 1), done: make(chan struct{}),
	}
	c.turn <- struct{}{}
	return c, nil
}

func (c *conn) Call(ctx context.Context, call *rpc.Call) error {
	if call.Body != nil {
		return rpc.NoStreams(call.Method, "toy")
	}
	ctx, expiry := call.Bound(ctx)
	if !expiry.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, expiry)
		defer cancel()
	}
	args, err := wire.Marshal(call.Args)
	if err != nil {
		return rpc.Errorf(rpc.InvalidArgument, "the arguments cannot be encoded: %w", err).
			For(call.Method, rpc.OutcomeNotStarted)
	}
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-ctx.Done():
		return rpc.NewContextError(call.Method, rpc.OutcomeNotStarted, ctx.Err(), nil)
	}
	if err := c.Err(); err != nil {
		return rpc.Errorf(rpc.Unavailable, "no connection: %w", err).For(call.Method, rpc.OutcomeNotStarted)
	}
	// A call that is given up ends the connection, for nothing else tells the server.
	defer context.AfterFunc(ctx, func() { c.end(context.Cause(ctx)) })()
	status, answer, err := c.exchange(call.Method, args)
	switch {
	case ctx.Err() != nil:
		return rpc.NewContextError(call.Method, rpc.OutcomeUnknown, ctx.Err(), nil)
	case err != nil:
		c.end(err)
		return rpc.Errorf(rpc.Unavailable, "no answer: %w", err).For(call.Method, rpc.OutcomeUnknown)
	}
	return read(call, status, answer)
}

// read returns what an answer says, and sets the call's result.
func read(call *rpc.Call, status byte, answer []byte) error {
	var err error
	switch exceptions := call.Method.Exceptions; {
	case status == statusResult:
		if err = wire.Unmarshal(answer, call.Result); err == nil {
			return nil
		}
	case status < statusException && len(answer) > 0:
		outcome := rpc.OutcomeAnswered
		if status == statusNotStarted {
			outcome = rpc.OutcomeNotStarted
		}
		return rpc.NewError(rpc.Code(answer[0]).Known(), string(answer[1:])).For(call.Method, outcome)
	case int(status)-statusException < len(exceptions):
		exception := exceptions[status-statusException]()
		if err = wire.Unmarshal(answer, exception); err == nil {
			return exception
		}
	default:
		err = fmt.Errorf("status %d with %d bytes", status, len(answer))
	}
	return rpc.Errorf(rpc.Internal, "the answer cannot be read: %w", err).For(call.Method, rpc.OutcomeAnswered)
}

// exchange sends a request and reads its answer.
func (c *conn) exchange(m *rpc.Method, args []byte) (status byte, answer []byte, err error) {
	if _, err := c.nc.Write(appendPart(appendPart(nil, []byte(m.FullName())), args)); err != nil {
		return 0, nil, err
	}
	if status, err = c.in.ReadByte(); err != nil {
		return 0, nil, err
	}
	answer, err = readPart(c.in, c.limits.Message)
	return status, answer, err
}

func (c *conn) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		close(c.done) // before a call that this ends can return
		c.nc.Close()
	}
}

func (c *conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *conn) Close() error {
	c.end(net.ErrClosed)
	return nil
}

func (c *conn) Done() <-chan struct{}  { return c.done }
func (c *conn) Ended() <-chan struct{} { return c.done }
func (c *conn) Peer() *rpc.Peer        { return c.peer }

// A server is the other side.
type server struct {
	d *rpc.Dispatcher

	mu       sync.Mutex
	conns    map[net.Conn]bool // whether a call runs
	draining bool
	empty    chan struct{} // closed when the server drains and no connection is left
}

// ServeConn reads requests until the connection ends, or the server drains.
func (s *server) ServeConn(nc net.Conn, head []byte, peer *rpc.Peer) {
	defer nc.Close()
	if !s.setBusy(nc, false) {
		return
	}
	defer s.remove(nc)
	_ = nc.SetReadDeadline(peer.FirstBy(s.d.Limits))
	in := bufio.NewReader(io.MultiReader(bytes.NewReader(head), nc))
	if _, err := in.Discard(len(preface)); err != nil {
		return
	}
	for s.serveCall(nc, in, peer) == nil {
		if !s.setBusy(nc, false) {
			return
		}
	}
}

func (s *server) serveCall(nc net.Conn, in io.Reader, peer *rpc.Peer) error {
	name, err := readPart(in, s.d.Limits.Name)
	if err != nil {
		return err
	}
	args, err := readPart(in, s.d.Limits.Message)
	if err != nil {
		return err
	}
	if !s.setBusy(nc, true) {
		return errors.New("the server shuts down")
	}
	_ = nc.SetReadDeadline(time.Time{}) // the first request is there, and the next may take its time
	_, err = nc.Write(s.answer(peer, name, args))
	return err
}

// answer runs a call. Whatever its code does, [rpc.Apart] keeps from this goroutine.
func (s *server) answer(peer *rpc.Peer, name, args []byte) []byte {
	answer := appendError(statusError, rpc.NewError(rpc.Internal, "the handler did not return"))
	rpc.Apart(func() { answer = s.invoke(peer, name, args) })
	return answer
}

func (s *server) invoke(peer *rpc.Peer, name, args []byte) []byte {
	route, refused := s.d.Find(name)
	if refused == nil && !route.Unary() {
		refused = rpc.NoStreams(route.Method, "toy")
	}
	if refused != nil {
		return appendError(statusNotStarted, refused)
	}
	call := route.NewCall()
	defer call.Release()
	if err := wire.Unmarshal(args, call.Args); err != nil {
		return appendError(statusNotStarted, rpc.Errorf(rpc.InvalidArgument, "the arguments cannot be read: %w", err))
	}
	ctx := rpc.NewServerContext(context.Background(), rpc.CallInfo{Peer: peer, Method: route.Method}, call.Deadline)
	defer ctx.Cancel(context.Canceled)
	failure := route.Invoke(ctx, call, nil)
	switch {
	case failure == nil:
		return appendMessage(statusResult, call.Result)
	case failure.Exception != nil:
		return appendMessage(statusException+byte(failure.Index), failure.Exception)
	}
	return appendError(statusError, failure.Err)
}

// appendMessage returns an answer with a message.
func appendMessage(status byte, m rpc.Message) []byte {
	b, err := wire.Marshal(m)
	if err != nil {
		return appendError(statusError, rpc.Errorf(rpc.Internal, "the answer cannot be encoded: %w", err))
	}
	return appendPart([]byte{status}, b)
}

// appendError returns an answer with an error.
func appendError(status byte, e *rpc.Error) []byte {
	return appendPart([]byte{status}, append([]byte{byte(e.Code)}, e.Message...))
}

// setBusy says whether a call runs on nc, unless the server drains and none is to begin.
func (s *server) setBusy(nc net.Conn, busy bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.conns[nc] = busy
	return true
}

func (s *server) remove(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, nc)
	if s.draining && len(s.conns) == 0 {
		close(s.empty)
	}
}

// Refusal answers the first request.
func (s *server) Refusal(_ []byte, reason *rpc.Error) []byte {
	return appendError(statusNotStarted, reason)
}

// end begins to drain, and closes the connections on which no call runs, or all.
func (s *server) end(all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining && len(s.conns) == 0 {
		close(s.empty)
	}
	s.draining = true
	for nc, busy := range s.conns {
		if all || !busy {
			nc.Close()
		}
	}
}

func (s *server) Shutdown(ctx context.Context) error {
	s.end(false)
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		s.end(true)
		return ctx.Err()
	}
}

func (s *server) Close() error {
	s.end(true)
	<-s.empty
	return nil
}

func (s *server) Running() []*rpc.Method { return nil }
