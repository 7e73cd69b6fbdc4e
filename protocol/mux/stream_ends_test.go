package mux_test

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// endless yields for ever.
func endless(yield func([]byte) bool) {
	for b := make([]byte, 700); yield(b); {
	}
}

// A use is one way to use the streams of a connection, until they end in one of the ways of endings.
type use struct {
	ctx    context.Context
	cancel context.CancelFunc
	conn   *mux.Conn
	after  int // messages, at the end of which the side that ends the stream does
	left   func(int) bool
}

// kinds are the kinds of streams, and stopped ones: each runs a stream to its end as a caller.
var kinds = map[string]func(u use) error{
	"server": func(u use) error {
		n := 0
		for _, err := range feed.Call(u.ctx, u.conn, &numbers{int32(u.after), 700}) {
			if err != nil {
				return err
			}
			if n++; u.left(n) {
				break
			}
		}
		return nil
	},
	"client": func(u use) error {
		_, err := gather.Call(u.ctx, u.conn, nil, func(yield func([]byte) bool) {
			n := 0
			for b := make([]byte, 700); yield(b); {
				if n++; u.left(n) {
					return
				}
			}
		})
		return err
	},
	"both": func(u use) error {
		n := 0
		for _, err := range exchangeAll(u.ctx, u.conn, endless) {
			if err != nil {
				return err
			}
			if n++; u.left(n) {
				break
			}
		}
		return nil
	},
	"both, of large messages": func(u use) error {
		n := 0
		for _, err := range exchangeAll(u.ctx, u.conn, patterns(1<<30, 300_000)) {
			if err != nil {
				return err
			}
			if n += 100; u.left(n) {
				break
			}
		}
		return nil
	},
}

// endings are the ways in which a stream ends at message 200, where it is left to itself for as long as it likes.
var endings = map[string]struct {
	client func(u *use) // changes what the caller does
	server func() error // what the handler does
}{
	"the caller leaves": {client: func(u *use) { u.left = func(n int) bool { return n >= 200 } }},
	"the caller cancels": {client: func(u *use) {
		u.left = func(n int) bool {
			if n >= 200 {
				u.cancel()
			}
			return false
		}
	}},
	"the caller panics": {client: func(u *use) {
		u.left = func(n int) bool {
			if n >= 200 {
				panic("at message 200")
			}
			return false
		}
	}},
	"the deadline passes": {client: func(u *use) {
		u.ctx = rpc.WithTimeout(u.ctx, 30*time.Millisecond)
	}},
	"the handler returns":            {server: func() error { return errEnough }},
	"the handler returns an error":   {server: func() error { return errors.New("at message 200") }},
	"the handler fails as declared":  {server: func() error { return &byZero{Message: "at message 200"} }},
	"the handler panics":             {server: func() error { panic("at message 200") }},
	"the handler ends its goroutine": {server: func() error { runtime.Goexit(); return nil }},
}

// errEnough makes a handler return nil.
var errEnough = errors.New("enough")

// endingHandlers run until ended returns true, which they then do as end says.
func endingHandlers(end func() error) streamHandlers {
	stop := func(n int) error {
		if n < 200 || end == nil {
			return nil
		}
		return end()
	}
	return streamHandlers{
		feed: func(context.Context, *numbers) iter.Seq2[[]byte, error] {
			return func(yield func([]byte, error) bool) {
				b := make([]byte, 700)
				for n := 0; ; n++ {
					err := stop(n)
					if err == errEnough || !yield(b, err) {
						return
					}
				}
			}
		},
		gather: func(_ context.Context, elements iter.Seq2[[]byte, error]) (float32, error) {
			n := 0
			for _, err := range elements {
				if err != nil {
					return 0, err
				}
				if err := stop(n); err == errEnough {
					return 1, nil
				} else if err != nil {
					return 0, err
				}
				n++
			}
			return 2, nil
		},
		chat: func(ctx context.Context, stream *talk) error {
			n := 0
			for b, err := range stream.All() {
				if err != nil {
					return err
				}
				if err := stop(n); err == errEnough {
					return nil
				} else if err != nil {
					return err
				}
				if err := stream.Send(ctx, b); err != nil {
					return err
				}
				if n++; len(b) > 100_000 {
					n += 99
				}
			}
			return nil
		},
	}
}

// Whatever way a stream of whatever kind ends, both sides are rid of it: its handler has returned, its slot and credit
// are free, and no goroutine is left. The connection goes on: one slot carries one stream after another, more bytes of
// them than the connection's credit.
func TestStreamsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	for _, network := range nettest.All {
		for ending, how := range endings {
			t.Run(network.Name+"/"+ending, func(t *testing.T) {
				t.Parallel()
				leaveNothingBehind(t, network, how.client, how.server)
			})
		}
	}
}

func leaveNothingBehind(t *testing.T, network nettest.Network, client func(*use), server func() error) {
	limits := rpc.ServerLimits{Limits: rpc.Limits{Calls: 1, Stream: 64 << 10, Streams: 128 << 10}}
	f := serve(t, network, limits, endingHandlers(server).service())
	conn, err := mux.Dial(t.Context(), rpc.ConnOptions{Dial: f.dial, Address: "test", Limits: limits.Limits})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for kind, run := range kinds {
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			u := use{ctx: ctx, cancel: cancel, conn: conn, after: 1 << 30, left: func(int) bool { return false }}
			if client != nil {
				client(&u)
			}
			func() {
				defer func() { _ = recover() }()
				if err := run(u); hasCode(rpc.Unavailable)(err) {
					t.Errorf("%s: %v", kind, err)
				}
			}()
			cancel()
			// With one slot the next call begins only when the server has answered this one.
			ok := rpc.WithTimeout(t.Context(), time.Minute)
			if _, err := gather.Call(ok, conn, nil, patterns(3, 10)); server == nil && err != nil {
				t.Fatalf("%s: the next stream: %v", kind, err)
			}
		}
	}
	select {
	case <-conn.Done():
		t.Fatalf("the connection has ended: %v", conn.Err())
	default:
	}
	deadline := time.Now().Add(time.Minute)
	for f.server.Unanswered() > 0 { // a handler's return is behind its answer
		if time.Now().After(deadline) {
			t.Fatalf("%d handlers run", f.server.Unanswered())
		}
		runtime.Gosched()
	}
}

// A connection that is lost ends its streams on both sides.
func TestLostConnectionEndsStreams(t *testing.T) {
	t.Parallel()
	for _, network := range nettest.All {
		for kind, run := range kinds {
			t.Run(network.Name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				f := serve(t, network, rpc.ServerLimits{}, endingHandlers(nil).service())
				conn := f.conn(t)
				err := run(use{ctx: t.Context(), conn: conn, left: func(n int) bool {
					if n == 200 {
						go f.server.Close()
					}
					return false
				}})
				e, ok := errors.AsType[*rpc.Error](err)
				if !ok || e.Outcome == rpc.OutcomeNotStarted {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}
