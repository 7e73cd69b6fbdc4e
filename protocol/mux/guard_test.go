package mux_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A fault is something that code may do besides returning. What has none does nothing.
type fault func()

func (f fault) do() {
	if f != nil {
		f()
	}
}

var faults = map[string]fault{
	"panic":                       func() { panic("a panic") },
	"runtime.Goexit":              runtime.Goexit,
	"panic with a text that ends": func() { panic(faulty{text: runtime.Goexit}) },
}

// A faulty is an error of which each method does a fault, if it has one.
type faulty struct {
	text, is, as, unwrap, name, encode, decode fault
}

func (f faulty) Error() string { f.text.do(); return "a text" }

func (f faulty) Is(error) bool { f.is.do(); return false }

func (f faulty) As(any) bool { f.as.do(); return false }

func (f faulty) Unwrap() error { f.unwrap.do(); return nil }

// A faultyException is the exception test.ByZero.
type faultyException struct{ faulty }

func (f *faultyException) YodelException() (string, rpc.Code) {
	f.name.do()
	return "test.ByZero", rpc.FailedPrecondition
}

func (f *faultyException) Reset() {}

func (f *faultyException) EncodeWire(e *wire.Encoder) { f.encode.do() }

func (f *faultyException) DecodeWire(d *wire.Decoder) { f.decode.do() }

// A message is the arguments and the result of the method hurt. Its name is the fault that the other side does.
type message struct {
	faulty
	name string
	size int
}

func (m *message) Reset() { *m = message{} }

func (m *message) EncodeWire(e *wire.Encoder) {
	e.PutString(1, m.name)
	e.PutBytes(2, make([]byte, m.size))
	m.encode.do()
}

func (m *message) DecodeWire(d *wire.Decoder) {
	var data []byte
	for d.Next() {
		d.String(1, &m.name)
		d.Bytes(2, &data)
	}
	m.size = len(data)
	faults[m.name].do()
	m.decode.do()
}

var hurt = rpc.NewUnary[message, message](rpc.Method{
	Service: "test.Hurt", Name: "hurt", Exceptions: []func() rpc.Exception{func() rpc.Exception { return new(byZero) }},
})

// A faultyContext is a context of a caller's own.
type faultyContext struct {
	context.Context
	done, value fault
}

func (c faultyContext) Done() <-chan struct{} { c.done.do(); return nil }

func (c faultyContext) Value(key any) any { c.value.do(); return nil }

// serverFaults are the places of a server that run code of the program's, each with what a handler does there.
var serverFaults = map[string]func(f fault, in, out *message) error{
	"handler": func(f fault, _, _ *message) error { f(); return nil },
	"slow handler": func(f fault, _, _ *message) error {
		time.Sleep(5 * time.Millisecond) // until another goroutine is the reader
		f()
		return nil
	},
	"Error":  func(f fault, _, _ *message) error { return faulty{text: f} },
	"Is":     func(f fault, _, _ *message) error { return faulty{is: f} },
	"As":     func(f fault, _, _ *message) error { return faulty{as: f} },
	"Unwrap": func(f fault, _, _ *message) error { return fmt.Errorf("wrapped: %w", faulty{unwrap: f}) },
	"an error's cause": func(f fault, _, _ *message) error {
		return rpc.Errorf(rpc.NotFound, "wrapped: %w", faulty{unwrap: f})
	},
	"an exception's name":    func(f fault, _, _ *message) error { return &faultyException{faulty{name: f}} },
	"EncodeWire of a result": func(f fault, _, out *message) error { out.encode = f; return nil },
	"EncodeWire of a large result": func(f fault, _, out *message) error {
		out.encode, out.size = f, 300_000
		return nil
	},
	"DecodeWire":            nil,
	"DecodeWire of pieces":  nil,
	"a nil *rpc.Error":      func(fault, *message, *message) error { return (*rpc.Error)(nil) },
	"a nil exception":       func(fault, *message, *message) error { return (*byZero)(nil) },
	"a nil error of others": func(fault, *message, *message) error { return (*faultyException)(nil) },
}

func hurting(place string, f fault) *rpc.Service {
	return rpc.NewService("test.Hurt",
		hurt.Handle(func(_ context.Context, in, out *message) error { return serverFaults[place](f, in, out) }),
	)
}

// A call whose code fails at the server is answered, and nobody else notices: not the connection, and not the server's
// end.
func TestServerSurvivesItsHandlers(t *testing.T) {
	t.Parallel()
	for place := range serverFaults {
		for name, f := range faults {
			for _, where := range []string{"worker", "reader", "serial"} {
				t.Run(place+" by "+name+" on the "+where, func(t *testing.T) {
					t.Parallel()
					s := serveFaults(t, where, hurting(place, f), handlers{}.service())
					c := s.conn(t)
					var neighbours sync.WaitGroup
					for range 4 {
						neighbours.Go(func() { wantQuotients(t, c, 100) })
					}
					for range 20 {
						wantInternal(t, hurtCall(c, place, name))
					}
					neighbours.Wait()
					if err := c.Err(); err != nil {
						t.Errorf("the connection has ended: %v", err)
					}
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
					defer cancel()
					if err := s.server.Shutdown(ctx); err != nil {
						t.Errorf("Shutdown: %v", err)
					}
				})
			}
		}
	}
}

func serveFaults(t *testing.T, where string, services ...*rpc.Service) *fixture {
	t.Helper()
	f := serveAs(t, nettest.TCP, rpc.ServerLimits{}, where == "serial", services...)
	if where == "reader" {
		f.server.RunOnReaders()
	}
	return f
}

func hurtCall(ch rpc.Channel, place, name string) error {
	call := hurt.NewCall()
	defer call.Release()
	if strings.HasPrefix(place, "DecodeWire") {
		call.In.name = name
	}
	if strings.HasSuffix(place, "pieces") {
		call.In.size = 300_000
	}
	return ch.Call(context.Background(), &call.Call)
}

func wantQuotients(t *testing.T, ch rpc.Channel, n int) {
	for range n {
		if got, err := callDivide(context.Background(), ch, 6, 2); err != nil || got != 3 {
			t.Errorf("a neighbour's divide(6, 2) = %v, %v", got, err)
			return
		}
	}
}

func wantInternal(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok || e.Code != rpc.Internal || e.Outcome != rpc.OutcomeAnswered {
		t.Errorf("the call ends with %v", err)
	}
}

// On the client a message's code costs its own call, too. Where it ends the caller's goroutine that is so, and no more.
func TestClientSurvivesItsMessages(t *testing.T) {
	t.Parallel()
	answers := hurt.Handle(func(_ context.Context, in, out *message) error {
		out.size = in.size
		return nil
	})
	for _, place := range []string{"EncodeWire", "DecodeWire", "DecodeWire of pieces", "DecodeWire, alone", "Done",
		"Value"} {
		for name, f := range faults {
			t.Run(place+" by "+name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, nettest.TCP, rpc.ServerLimits{}, rpc.NewService("test.Hurt", answers),
					handlers{}.service())
				c := s.conn(t)
				var neighbours sync.WaitGroup
				if strings.HasSuffix(place, "alone") {
					lone(t, c)
				} else {
					for range 4 {
						neighbours.Go(func() { wantQuotients(t, c, 100) })
					}
				}
				for range 20 {
					var err error
					returned := rpc.Apart(func() { err = hurtHere(c, place, f) })
					e, ok := errors.AsType[*rpc.Error](err)
					if returned && (!ok || e.Code != rpc.Internal) {
						t.Fatalf("the call ends with %v", err)
					}
				}
				neighbours.Wait()
				wantQuotients(t, c, 1)
				if err := c.Err(); err != nil {
					t.Errorf("the connection has ended: %v", err)
				}
			})
		}
	}
}

// hurtHere makes a call of which the client's code fails.
func hurtHere(c *mux.Conn, place string, f fault) error {
	call := hurt.NewCall()
	defer call.Release()
	ctx := context.Background()
	switch place {
	case "EncodeWire":
		call.In.encode = f
	case "DecodeWire of pieces":
		call.In.size = 300_000
		fallthrough
	case "DecodeWire", "DecodeWire, alone":
		call.Out.decode = f
	case "Done":
		ctx = faultyContext{ctx, f, nil}
	case "Value":
		ctx = faultyContext{ctx, nil, f}
	}
	return c.Call(ctx, &call.Call)
}
