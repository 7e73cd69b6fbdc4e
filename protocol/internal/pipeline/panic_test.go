package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A panicky codec has messages of one letter, and panics where the letter says so.
type panicky struct{ d *rpc.Dispatcher }

func (panicky) Frame(buf []byte, _ int) (start, end int, err *rpc.Error) {
	return 0, min(1, len(buf)), nil
}

func (p panicky) Decode(message []byte) (*rpc.Route, *rpc.Call, *rpc.Error) {
	if message[0] == 'd' {
		panic("decode")
	}
	route := p.d.Routes()[0]
	c := route.NewCall()
	if message[0] == 'r' {
		c.Deadline = c.Deadline.AddDate(1, 0, 0) // a mark for AppendResult
	}
	return route, c, nil
}

func (panicky) AppendResult(b []byte, c *rpc.Call) ([]byte, error) {
	if !c.Deadline.IsZero() {
		panic("result")
	}
	return append(b, '1'), nil
}

func (panicky) AppendFailure(b []byte, f rpc.Failure) []byte {
	return append(b, "?CUIDNAPRFAOXI"[f.Err.Code])
}

func TestServerPanics(t *testing.T) {
	t.Parallel()
	d, err := rpc.NewDispatcher([]*rpc.Service{divide.NewService(handlers{})}, rpc.DispatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server, client := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		pipeline.NewServer(panicky{d: d}, "test", d.Limits, d.Log).ServeConn(server, nil, new(rpc.Peer))
	}()
	for request, want := range map[string]string{"x": "1", "d": "I", "r": "I"} {
		var answer [1]byte
		_, _ = client.Write([]byte(request))
		if _, err := client.Read(answer[:]); err != nil || string(answer[:]) != want {
			t.Errorf("%s is answered by %q, %v; want %s", request, answer, err, want)
		}
	}
	client.Close()
	<-done
}

func TestMessagePanics(t *testing.T) {
	t.Parallel()
	d, err := rpc.NewDispatcher([]*rpc.Service{divide.NewService(handlers{})}, rpc.DispatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for request, want := range map[string]string{"x": "1", "d": "I", "r": "I"} {
		answer, _, _ := pipeline.ServeMessage(t.Context(), panicky{d: d}, d, rpc.CallInfo{Peer: new(rpc.Peer)},
			[]byte(request), nil, nil)
		if string(answer) != want {
			t.Errorf("%s is answered by %q; want %s", request, answer, want)
		}
	}
}

type handlers struct{}

func (handlers) Divide(context.Context, int32, int32) (float32, error) { return 0, nil }

// A panickyClient writes the next letter for each call.
type panickyClient struct{ letters chan byte }

func (p panickyClient) Streams() bool { return false }

func (p panickyClient) AppendRequest(b []byte, _ *rpc.Call) ([]byte, pipeline.Answer, *rpc.Error) {
	letter := <-p.letters
	if letter == 'w' {
		panic("write")
	}
	return append(b, letter), panickyAnswer{}, nil
}

type panickyAnswer struct{ panicky }

func (panickyAnswer) Decode(message []byte, _ *rpc.Call) error {
	if message[0] == 'r' {
		panic("read")
	}
	return nil
}

func TestClientPanics(t *testing.T) {
	t.Parallel()
	server, nc := net.Pipe()
	go func() {
		buf := make([]byte, 1)
		for {
			if _, err := server.Read(buf); err != nil {
				return
			}
			_, _ = server.Write(bytes.Clone(buf))
		}
	}()
	letters := make(chan byte, 1)
	o := rpc.ConnOptions{Dial: func(context.Context) (net.Conn, error) { return nc, nil }}
	c, err := pipeline.Dial(t.Context(), o, "letters",
		func(rpc.Limits) pipeline.ClientCodec { return panickyClient{letters} })
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	defer c.Close()
	for _, test := range []struct {
		letter  byte
		code    rpc.Code
		outcome rpc.Outcome
	}{
		{'w', rpc.Internal, rpc.OutcomeNotStarted}, {'r', rpc.Internal, rpc.OutcomeAnswered}, {'x', 0, 0},
	} {
		letters <- test.letter
		_, err := divide.NewClient(open{c}).Divide(t.Context(), 1)
		e, _ := errors.AsType[*rpc.Error](err)
		if test.code == 0 && err != nil ||
			test.code != 0 && (e == nil || e.Code != test.code || e.Outcome != test.outcome) {
			t.Errorf("%c: error is %#v", test.letter, err)
		}
	}
}

// open makes a channel of a pipeline's connection, which lacks Open.
type open struct{ *pipeline.Conn }

func (open) Open(context.Context, *rpc.Method) (rpc.Stream, error) { return nil, nil }
