package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A Conn is one HTTP/1.1 connection to a server. It carries one call at a time; others wait. A call that is given up
// ends the connection, since HTTP/1.1 knows no other way to say so. It has one goroutine, which reads answers and
// notices the server's end; Close ends it.
type Conn struct {
	nc     net.Conn
	in     *answerReader // used by the goroutine that reads
	out    stallWriter   // used by the call that has the turn
	host   string
	peer   *rpc.Peer
	limits rpc.Limits
	log    *rpc.Log

	codings codings

	turn chan struct{} // holds a value while no call has the connection
	done chan struct{} // closed when the connection takes no more calls
	read chan struct{} // closed when the goroutine has ended

	codecMu sync.Mutex // guards codec, and the answers that it made
	codec   pipeline.ClientCodec

	mu       sync.Mutex
	err      error     // why the connection has ended; nil before
	exchange *exchange // that waits for an answer; nil for none
}

var _ rpc.Conn = (*Conn)(nil)

// Dial connects to an HTTP server, to which the bodies of requests are in the given format, whose messages are JSON.
func Dial(ctx context.Context, o rpc.ConnOptions, format pipeline.Format) (*Conn, error) {
	nc, err := o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	o.Limits = o.Limits.WithDefaults()
	c := &Conn{
		nc:      nc,
		in:      newAnswerReader(nc, o.Limits),
		out:     stallWriter{nc, writeChunk},
		host:    hostOf(o.Address),
		peer:    o.Peer,
		limits:  o.Limits,
		log:     o.Log,
		codings: codings{o.Compress, o.Log},
		turn:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		read:    make(chan struct{}),
		codec:   format.NewClient(o.Limits),
	}
	if _, ok := nc.(*net.TCPConn); !ok {
		c.out.chunk = tlsChunk
	}
	c.turn <- struct{}{}
	go c.receive()
	return c, nil
}

// Call makes one call; see [rpc.Channel].
func (c *Conn) Call(ctx context.Context, call *rpc.Call) error {
	if call.Body != nil {
		return rpc.NoStreams(call.Method, protocol)
	}
	body, answer, refused := c.encode(call)
	if refused == nil {
		body, refused = c.request(ctx, call.Method, body)
	}
	if refused != nil {
		return refused.For(call.Method, rpc.OutcomeNotStarted)
	}
	ctx, expiry := call.Bound(ctx)
	x := &exchange{method: call.Method, expiry: expiry, answered: make(chan struct{})}
	if err := c.roundTrip(ctx, x, body); err != nil {
		return err
	}
	if err := c.decompress(x); err != nil {
		return err
	}
	rpc.StoreAnswerMetadata(ctx, requestMetadata(x.header))
	if trimmed := bytes.TrimLeft(x.body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		err := rpc.Errorf(codeOf(x.status), "the server answered %d %s, and not with JSON", x.status,
			http.StatusText(x.status))
		return err.For(call.Method, rpc.OutcomeUnknown)
	}
	return c.decode(x, answer, call)
}

func (c *Conn) encode(call *rpc.Call) ([]byte, pipeline.Answer, *rpc.Error) {
	c.codecMu.Lock()
	defer c.codecMu.Unlock()
	var (
		body    []byte
		answer  pipeline.Answer
		refused *rpc.Error
	)
	err := c.guard(call.Method).Run("what writes the arguments", func() error {
		body, answer, refused = c.codec.AppendRequest(nil, call)
		return nil
	}, nil)
	if err != nil {
		refused = err.(*rpc.Error)
	}
	return body, answer, refused
}

func (c *Conn) guard(m *rpc.Method) rpc.Guard { return rpc.Guard{Log: c.log, Method: m, Local: true} }

func (c *Conn) decode(x *exchange, answer pipeline.Answer, call *rpc.Call) error {
	c.codecMu.Lock()
	defer c.codecMu.Unlock()
	err := c.guard(call.Method).Run("what reads the answer", func() error { return answer.Decode(x.body, call) }, nil)
	if e, ok := err.(*rpc.Error); ok {
		if x.status == http.StatusRequestTimeout { // the server did not read all of the request
			return e.For(call.Method, rpc.OutcomeNotStarted)
		}
		return e.For(call.Method, rpc.OutcomeAnswered)
	}
	return err
}

// An exchange is one request and its answer.
type exchange struct {
	method   *rpc.Method
	expiry   time.Time     // when its call has to end; zero for never
	answered chan struct{} // closed when the rest is set

	expired bool // its time has passed while it was sent or waited for its answer

	*answer
	err error // in place of an answer
}

// ended returns why the call of x has ended, nil if it has not.
func (x *exchange) ended(ctx context.Context) error {
	err := ctx.Err()
	if err == nil && (x.expired || !x.expiry.IsZero() && !time.Now().Before(x.expiry)) {
		err = context.DeadlineExceeded
	}
	return err
}

// roundTrip sends a request when its turn has come, and returns when the exchange has its answer.
func (c *Conn) roundTrip(ctx context.Context, x *exchange, request []byte) error {
	end := ctx.Done() // while nothing is taken yet, for a context may be of a type of the caller's own
	var expired <-chan time.Time
	if !x.expiry.IsZero() {
		timer := time.NewTimer(time.Until(x.expiry))
		defer timer.Stop()
		expired = timer.C
	}
	if x.ended(ctx) != nil {
		return c.failed(ctx, x, rpc.OutcomeNotStarted, nil)
	}
	select {
	case <-c.turn:
		defer func() { c.turn <- struct{}{} }()
	case <-end:
		return c.failed(ctx, x, rpc.OutcomeNotStarted, errGivenUp)
	case <-expired:
		return rpc.NewContextError(x.method, rpc.OutcomeNotStarted, context.DeadlineExceeded, nil)
	case <-c.done:
		return c.failed(ctx, x, rpc.OutcomeNotStarted, c.Err())
	}
	if x.ended(ctx) != nil || !c.await(x) {
		return c.failed(ctx, x, rpc.OutcomeNotStarted, c.Err())
	}
	outcome := rpc.OutcomeUnknown
	if n, err := c.sendUntil(x, request, end, expired); err != nil {
		if n < len(request) { // half a request is not run
			outcome = rpc.OutcomeNotStarted
		}
		c.giveUpSending(err)
	}
	c.giveUpAt(x, x.answered, end, expired)
	<-x.answered // at the latest when the connection ends
	switch {
	case x.err != nil:
		return c.failed(ctx, x, outcome, x.err)
	case x.tooLong:
		return rpc.Errorf(rpc.ResourceExhausted, "the answer is longer than the limit of %d bytes", c.limits.Message).
			For(x.method, rpc.OutcomeAnswered)
	}
	return nil
}

// sendUntil sends the request of x, unless its call ends before.
func (c *Conn) sendUntil(x *exchange, request []byte, end <-chan struct{}, expired <-chan time.Time) (int, error) {
	var sending sync.WaitGroup
	defer sending.Wait()
	sent := make(chan struct{})
	defer close(sent)
	if end != nil || expired != nil {
		sending.Go(func() { c.giveUpAt(x, sent, end, expired) })
	}
	return c.send(request)
}

// giveUpAt waits until done is closed, and gives x up if its call ends before. It does not ask the context why, which
// may panic, and runs on other goroutines than the caller's, too.
func (c *Conn) giveUpAt(x *exchange, done, end <-chan struct{}, expired <-chan time.Time) {
	select {
	case <-done:
	case <-end:
		c.giveUp(x)
	case <-expired:
		x.expired = true
		c.giveUp(x)
	}
}

// await makes x the exchange that the next answer belongs to, unless the connection has ended.
func (c *Conn) await(x *exchange) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.exchange = x
	return true
}

func (c *Conn) send(request []byte) (n int, err error) {
	return c.out.write(request, func() error { return c.nc.SetWriteDeadline(time.Now().Add(c.limits.Stall)) })
}

// giveUpSending is called where a request cannot be sent whole. A server that did not want to read it may have said
// why, which is to be read before the end.
func (c *Conn) giveUpSending(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.end(fmt.Errorf("the server read nothing for %v", c.limits.Stall))
		return
	}
	timer := time.AfterFunc(lingerTime, func() { c.end(err) })
	defer timer.Stop()
	<-c.read
}

// failed returns the error of an exchange that ended without a whole answer.
func (c *Conn) failed(ctx context.Context, x *exchange, outcome rpc.Outcome, cause error) error {
	if err := x.ended(ctx); err != nil {
		return rpc.NewContextError(x.method, outcome, err, nil)
	}
	return rpc.Errorf(rpc.Unavailable, "no answer: %w", cause).For(x.method, outcome)
}

// receive is the connection's goroutine: it reads answers, and ends when the connection does.
func (c *Conn) receive() {
	defer close(c.read)
	for c.Err() == nil {
		err := c.in.await()
		if err == nil {
			err = c.expected()
		}
		var a *answer
		if err == nil {
			a, err = c.in.answer()
		}
		if err != nil {
			c.end(err)
			return
		}
		x := c.take()
		if a.last {
			c.end(errLast) // before the call returns, which may be sent again over another connection
		}
		if x != nil {
			x.answer = a
			close(x.answered)
		}
	}
}

var (
	errEnded   = errors.New("the connection has ended")
	errLast    = errors.New("the server said that it closes the connection")
	errGivenUp = errors.New("a call was given up, which ends the connection")
)

// expected returns an error unless a call waits for the answer that begins. net/http would print what nobody asked for.
func (c *Conn) expected() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exchange != nil {
		return nil
	}
	begins, _ := c.in.Peek(min(c.in.Buffered(), 64))
	if bytes.HasPrefix(begins, []byte("HTTP/1.1 408 ")) { // how servers end a connection on which nothing comes
		return errLast
	}
	return fmt.Errorf("the server sent what no call asked for: %s", rpc.Quote(string(begins)))
}

// take returns the exchange that an answer is for, nil if the connection has ended.
func (c *Conn) take() *exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.exchange
	c.exchange = nil
	return x
}

// end ends the connection, and with it the exchange that waits for an answer.
func (c *Conn) end(cause error) { c.endIf(func() bool { return true }, cause) }

// giveUp ends the connection if x still waits for its answer.
func (c *Conn) giveUp(x *exchange) {
	c.endIf(func() bool { return c.exchange == x }, errGivenUp)
}

// endIf ends the connection if cond, which is called with mu held, says so.
func (c *Conn) endIf(cond func() bool, cause error) {
	c.mu.Lock()
	if c.err != nil || !cond() {
		c.mu.Unlock()
		return
	}
	c.err = cause
	close(c.done)
	x := c.exchange
	c.exchange = nil
	c.mu.Unlock()
	c.nc.Close()
	if x != nil {
		x.err = cause
		close(x.answered)
	}
}

// Close ends the connection and the calls on it, and waits for its goroutine.
func (c *Conn) Close() error {
	c.end(errEnded)
	<-c.read
	return nil
}

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Ended is closed when no answer will be read any more, after Done.
func (c *Conn) Ended() <-chan struct{} { return c.read }

// Peer returns the server's end, as Dial was told.
func (c *Conn) Peer() *rpc.Peer { return c.peer }

// Err returns why, once Done is closed.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}
