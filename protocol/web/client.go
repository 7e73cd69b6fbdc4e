package web

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/yodelrpc/yodel/internal/jsoncall"
	"github.com/yodelrpc/yodel/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A Conn is one HTTP/1.1 connection to a server. It carries one call at a time; others wait. A call that is given up
// ends the connection, since HTTP/1.1 knows no other way to say so. Its goroutines are those of a [http.Transport] with
// one connection, and end soon after Close.
type Conn struct {
	transport *http.Transport
	url       string
	limits    rpc.Limits
	conn      *countingConn
	taken     atomic.Bool // the transport has conn

	mu    sync.Mutex // guards codec, and the answers that it made
	codec *jsoncall.ClientCodec
}

var _ rpc.Conn = (*Conn)(nil)

var errEnded = errors.New("the connection has ended")

// Dial connects to an HTTP server.
func Dial(ctx context.Context, o rpc.ConnOptions) (*Conn, error) {
	nc, err := o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	o.Limits = o.Limits.WithDefaults()
	c := &Conn{
		url:    "http://" + hostOf(o.Address) + "/",
		limits: o.Limits,
		conn:   &countingConn{conn: newConn(nc, nil, o.Limits.Stall)},
		codec:  jsoncall.NewClientCodec(o.Limits),
	}
	c.transport = &http.Transport{
		DialContext:            c.take,
		DisableCompression:     true,
		MaxConnsPerHost:        1,
		MaxResponseHeaderBytes: int64(8<<10 + o.Limits.Metadata),
		Protocols:              new(http.Protocols),
	}
	c.transport.Protocols.SetHTTP1(true)
	return c, nil
}

// hostOf returns the Host for an address, which may be the path of a unix socket.
func hostOf(address string) string {
	if strings.HasPrefix(address, "/") || address == "" {
		return "localhost"
	}
	if strings.HasPrefix(address, ":") {
		return "localhost" + address
	}
	return address
}

// countingConn counts what was sent, so that of a call that failed it is known whether anything of it left.
type countingConn struct {
	*conn
	written atomic.Int64
}

// Write counts b until it is known how much of it was not sent.
func (c *countingConn) Write(b []byte) (int, error) {
	c.written.Add(int64(len(b)))
	n, err := c.conn.Write(b)
	c.written.Add(int64(n - len(b)))
	return n, err
}

// take is how the transport gets the connection, once.
func (c *Conn) take(context.Context, string, string) (net.Conn, error) {
	if c.taken.Swap(true) {
		c.conn.Close()
		return nil, errEnded
	}
	return c.conn, nil
}

// Call makes one call; see [rpc.Channel].
func (c *Conn) Call(ctx context.Context, call *rpc.Call) error {
	body, answer, refused := c.encode(call)
	if refused != nil {
		return refused.For(call.Method, rpc.OutcomeNotStarted)
	}
	ctx, expiry := call.Bound(ctx)
	if !expiry.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, expiry)
		defer cancel()
	}
	x := &exchange{conn: c, method: call.Method, before: -1}
	response, data, err := x.roundTrip(ctx, body)
	if err != nil {
		return err
	}
	rpc.StoreAnswerMetadata(ctx, requestMetadata(response.Header))
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return rpc.Errorf(codeOf(response.StatusCode), "the server answered %s, and not with JSON", response.Status).
			For(call.Method, rpc.OutcomeUnknown)
	}
	return c.decode(data, answer, call)
}

func (c *Conn) encode(call *rpc.Call) ([]byte, pipeline.Answer, *rpc.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.codec.AppendRequest(nil, call)
}

func (c *Conn) decode(data []byte, answer pipeline.Answer, call *rpc.Call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := answer.Decode(data, call)
	if e, ok := err.(*rpc.Error); ok {
		return e.For(call.Method, rpc.OutcomeAnswered)
	}
	return err
}

// An exchange is one request and its response.
type exchange struct {
	conn   *Conn
	method *rpc.Method
	before int64 // what had been sent over the connection before; -1 while other calls have it
}

func (x *exchange) roundTrip(ctx context.Context, body []byte) (*http.Response, []byte, error) {
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { x.before = x.conn.conn.written.Load() }}
	ctx = httptrace.WithClientTrace(ctx, trace)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, x.conn.url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, rpc.Errorf(rpc.Internal, "the request cannot be made: %w", err).For(x.method, rpc.OutcomeNotStarted)
	}
	r.GetBody = nil // so that net/http does not send it again
	r.Header.Set("Content-Type", "application/json")
	addMetadata(r.Header, rpc.OutgoingMetadata(ctx))
	response, err := x.conn.transport.RoundTrip(r)
	if err != nil {
		return nil, nil, x.failed(ctx, err)
	}
	defer response.Body.Close()
	limit := x.conn.limits.Message
	reader := &stallReader{response.Body, x.conn.conn.SetReadDeadline, x.conn.limits.Stall}
	data, tooLong, err := reader.readBody(limit)
	switch {
	case err != nil:
		return nil, nil, x.failed(ctx, err)
	case tooLong:
		return nil, nil, rpc.Errorf(rpc.ResourceExhausted, "the answer is longer than the limit of %d bytes", limit).
			For(x.method, rpc.OutcomeAnswered)
	}
	return response, data, nil
}

// failed returns the error of an exchange that ended without a whole response.
func (x *exchange) failed(ctx context.Context, err error) error {
	outcome := rpc.OutcomeUnknown
	if x.before < 0 || x.conn.conn.written.Load() == x.before {
		outcome = rpc.OutcomeNotStarted
	}
	if ctx.Err() != nil {
		return rpc.NewContextError(x.method, outcome, ctx.Err(), nil)
	}
	return rpc.Errorf(rpc.Unavailable, "no answer: %w", err).For(x.method, outcome)
}

// Open fails: the protocol has no streams.
func (c *Conn) Open(_ context.Context, m *rpc.Method) (rpc.Stream, error) {
	return nil, rpc.NoStreams(m, protocol)
}

// Close ends the connection and the calls on it.
func (c *Conn) Close() error {
	c.taken.Store(true)
	err := c.conn.Close()
	c.transport.CloseIdleConnections()
	return err
}

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} { return c.conn.closed }

// Err returns why, once Done is closed.
func (c *Conn) Err() error {
	select {
	case <-c.conn.closed:
		return errEnded
	default:
		return nil
	}
}
