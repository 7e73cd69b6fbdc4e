package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// A benchTarget is a server, and the one call that is made there over and over.
type benchTarget struct {
	protocol    string
	address     string // as on the command line
	connections int    // 0 for as many as there are calls at once
	traffic     *traffic
	sender
}

// A sender makes calls; many goroutines use it at once.
type sender interface {
	// connect makes the connections.
	connect(ctx context.Context) error
	// call makes the call. It returns a *declared, an *rpc.Error or an *rpc.ContextError.
	call(ctx context.Context, caller int, deadline time.Time) error
	// close ends the connections and the calls on them. It may be called twice.
	close()
}

// target returns what the command line names.
func (c *benchCommand) target(address, method string, args []string) (*benchTarget, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "line", address
	}
	req, err := c.request(method, args)
	if err != nil {
		return nil, err
	}
	t := &benchTarget{protocol: scheme, address: address, connections: c.connections, traffic: new(traffic)}
	if scheme == "http" || scheme == "https" {
		t.sender = c.overHTTP(t, req)
		return t, nil
	}
	if err := checkAddress(rest); err != nil {
		return nil, err
	}
	if (scheme == "basic" || scheme == "mux") && req.method == nil {
		return nil, usagef("%s:// needs a definition; add -f FILE", scheme)
	}
	t.connections = max(t.connections, 1)
	l := &links{timeout: c.timeout, method: &rpc.Method{Name: req.name}, options: rpc.ConnOptions{
		Dial:    func(ctx context.Context) (net.Conn, error) { return dialTCP(ctx, "tcp", rest) },
		Address: rest,
		Limits:  rpc.Limits{Calls: max(c.plan.Callers, c.plan.MaxInFlight)},
	}}
	if err := l.speak(scheme, req, t.traffic); err != nil {
		return nil, err
	}
	l.open(t.connections)
	t.sender = l
	return t, nil
}

// speak chooses the protocol, and makes the call ready for it.
func (l *links) speak(scheme string, req *request, t *traffic) error {
	switch scheme {
	case "line":
		l.dial = pipelined(&lineCodec{append(req.text(), '\n'), t})
	case "basic":
		l.dial = pipelined(newBasicCodec(req, t))
	case "mux":
		l.method = dynamicMethod(req.method)
		l.args, l.result = newWireMessage(req.method.Params, req.params), wireMessage(nil)
		l.options.Dial = func(ctx context.Context) (net.Conn, error) { return t.dial(ctx, "tcp", l.options.Address) }
		l.dial = func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) { return asConn(mux.Dial(ctx, o)) }
	default:
		return usagef("unknown scheme %q; write line, http, https, basic or mux", scheme)
	}
	return nil
}

// dynamicMethod returns what generated code would have for m.
func dynamicMethod(m *schema.Method) *rpc.Method {
	d := &rpc.Method{Service: m.Service.File.Package + "." + m.Service.Name, Name: m.Name}
	for _, x := range m.Exceptions {
		d.Exceptions = append(d.Exceptions, func() rpc.Exception { return &declared{name: x.Name} })
	}
	return d
}

// asConn keeps a nil pointer from becoming a connection that is not nil.
func asConn[C rpc.Conn](conn C, err error) (rpc.Conn, error) {
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// A declared is an exception that the server answered with. Only its name matters here.
type declared struct {
	name string
	wireMessage
}

func (d *declared) Error() string                             { return d.name }
func (d *declared) YodelException() (name string, _ rpc.Code) { return d.name, rpc.FailedPrecondition }

// traffic counts bytes, framing included: those of pipelined connections in their codecs, since a pipeline writes best
// to a plain TCP connection, and those of others here.
type traffic struct{ sent, received atomic.Int64 }

func (t *traffic) bytes() (sent, received int64) { return t.sent.Load(), t.received.Load() }

func (t *traffic) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := dialTCP(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &countedConn{conn, t}, nil
}

func dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("no server answers at %s: %w", address, err)
	}
	return conn, nil
}

type countedConn struct {
	net.Conn
	traffic *traffic
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.traffic.received.Add(int64(n))
	return n, err
}

func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.traffic.sent.Add(int64(n))
	return n, err
}
