package mux_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// halfway yields what elements does, and calls f at the one with the number n.
func halfway[V any](elements iter.Seq2[[]byte, V], n int, f func()) iter.Seq2[[]byte, V] {
	return func(yield func([]byte, V) bool) {
		i := 0
		for b, v := range elements {
			if i++; i == n {
				f()
			}
			if !yield(b, v) {
				return
			}
		}
	}
}

// longStreams are streams of each kind that bring more than their window before they end well, and call f on the way.
var longStreams = map[string]func(t *testing.T, c *mux.Conn, f func()){
	"server": func(t *testing.T, c *mux.Conn, f func()) {
		checkPatterns(t, halfway(feed.Call(t.Context(), c, &numbers{100, 7000}), 10, f), 100, 7000)
	},
	"client": func(t *testing.T, c *mux.Conn, f func()) {
		got, err := gather.Call(t.Context(), c, nil, func(yield func([]byte) bool) {
			i := 0
			for b := range patterns(100, 7000) {
				if i++; i == 20 { // more than the window, so that the handler has begun
					f()
				}
				if !yield(b) {
					return
				}
			}
		})
		if err != nil || got.Result != 700_000 {
			t.Errorf("gather: %v, %v", got.Result, err)
		}
	},
	"both": func(t *testing.T, c *mux.Conn, f func()) {
		checkPatterns(t, halfway(exchangeAll(t.Context(), c, patterns(100, 7000)), 10, f), 100, 7000)
	},
	"both, of large messages": func(t *testing.T, c *mux.Conn, f func()) {
		checkPatterns(t, halfway(exchangeAll(t.Context(), c, patterns(5, 1<<20)), 2, f), 5, 1<<20)
	},
}

// checkRefused makes calls of each kind on a connection that takes no more.
func checkRefused(t *testing.T, c *mux.Conn) {
	t.Helper()
	calls := map[string]func() error{
		"unary": func() error { _, err := callDivide(t.Context(), c, 6, 2); return err },
		"server": func() (err error) {
			for _, err = range feed.Call(t.Context(), c, &numbers{3, 10}) {
			}
			return err
		},
		"client": func() error { _, err := gather.Call(t.Context(), c, nil, patterns(3, 10)); return err },
		"both": func() (err error) {
			for _, err = range exchangeAll(t.Context(), c, patterns(3, 10)) {
			}
			return err
		},
	}
	for kind, call := range calls {
		err := call()
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unavailable ||
			e.Outcome != rpc.OutcomeNotStarted {
			t.Errorf("a new call, %s, gives %v; want unavailable, not started", kind, err)
		}
	}
}

// Streams that run when the server shuts down go on to their end, for which Shutdown waits; new ones do not start.
func TestShutdownWaitsForStreams(t *testing.T) {
	t.Parallel()
	for kind, run := range longStreams {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			overNetworks(t, func(t *testing.T, n nettest.Network) {
				f := serve(t, n, rpc.ServerLimits{}, streamHandlers{}.service(), handlers{}.service())
				c := f.conn(t)
				down := make(chan error, 1)
				run(t, c, func() {
					go func() { down <- f.server.Shutdown(t.Context()) }()
					<-c.Done()
					checkRefused(t, c)
					select {
					case err := <-down:
						t.Errorf("Shutdown does not wait for the stream: %v", err)
						down <- err
					default:
					}
				})
				if err := <-down; err != nil {
					t.Errorf("Shutdown gives %v", err)
				}
				<-c.Ended()
			})
		})
	}
}

// Streams that do not end are cut when Shutdown's context ends: their callers do not know what the handlers have done,
// and the contexts of these end.
func TestShutdownCutsStreams(t *testing.T) {
	t.Parallel()
	for kind, run := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			overNetworks(t, func(t *testing.T, n nettest.Network) {
				f := serve(t, n, rpc.ServerLimits{}, endingHandlers(nil).service())
				c := f.conn(t)
				ctx, cancel := context.WithCancel(t.Context())
				down := make(chan error, 1)
				err := run(use{ctx: t.Context(), conn: c, after: 1 << 30, left: func(n int) bool {
					if n == 200 {
						go func() { down <- f.server.Shutdown(ctx) }()
						<-c.Done()
						cancel()
					}
					return false
				}})
				checkCut(t, err)
				if err := <-down; !errors.Is(err, context.Canceled) {
					t.Errorf("Shutdown gives %v", err)
				}
				f.close() // which waits for the handlers
			})
		})
	}
}

func checkCut(t *testing.T, err error) {
	t.Helper()
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unavailable || e.Outcome != rpc.OutcomeUnknown {
		t.Errorf("the stream ends with %v; want unavailable, outcome unknown", err)
	}
}

// A stream on which nothing happens is waited for and cut as one on which much does.
func TestShutdownCutsIdleStreams(t *testing.T) {
	t.Parallel()
	overNetworks(t, func(t *testing.T, n nettest.Network) {
		started, ended := make(chan struct{}), make(chan error, 1)
		f := serve(t, n, rpc.ServerLimits{}, streamHandlers{chat: func(ctx context.Context, stream *talk) error {
			close(started)
			_, err := stream.Recv(ctx)
			<-ctx.Done()
			ended <- err
			return err
		}}.service())
		c := f.conn(t)
		result := make(chan error, 1)
		go func() {
			result <- chat.Call(t.Context(), c, nil, func(ctx context.Context, stream *talk) error {
				_, err := stream.Recv(ctx)
				return err
			})
		}()
		<-started
		ctx, cancel := context.WithCancel(t.Context())
		down := make(chan error, 1)
		go func() { down <- f.server.Shutdown(ctx) }()
		<-c.Done()
		cancel()
		checkCut(t, <-result)
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the handler's Recv gives %v", err)
		}
		if err := <-down; !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown gives %v", err)
		}
	})
}

// A client that closes its connection ends its streams on both sides.
func TestCloseEndsStreams(t *testing.T) {
	t.Parallel()
	for kind, run := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			overNetworks(t, func(t *testing.T, n nettest.Network) {
				f := serve(t, n, rpc.ServerLimits{}, endingHandlers(nil).service())
				c := f.conn(t)
				closed := make(chan struct{})
				err := run(use{ctx: t.Context(), conn: c, after: 1 << 30, left: func(n int) bool {
					if n == 200 {
						go func() { defer close(closed); _ = c.Close() }()
					}
					return false
				}})
				checkCut(t, err)
				<-closed
				if err := f.server.Shutdown(t.Context()); err != nil { // which waits for the handlers
					t.Errorf("Shutdown gives %v", err)
				}
			})
		})
	}
}

// On the wire: behind GOAWAY the frames of a stream that runs pass in both directions, a CALL with STREAM is refused,
// what comes for it is dropped, and the connection ends behind the last answer.
func TestStreamsBehindGoAway(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, streamHandlers{}.service())
	r := rawStreams(t, f)
	r.send(frame(tCall, fName|fStream, 0, 1, named("test.Streams/chat")) + frame(tItem, 0, 0, 1, "\x0a\x01a"))
	r.expect(frame(tItem, 0, 0, 1, "\x0a\x01a"))
	down := make(chan error, 1)
	go func() { down <- f.server.Shutdown(t.Context()) }()
	goAway, ping := r.read(), r.read()
	if goAway.kind != tGoAway || ping.kind != tPing {
		t.Fatalf("the server sends %+v and %+v, not GOAWAY and PING", goAway, ping)
	}
	r.send(frame(tCall, fStream, 0, 2, "") + frame(tItem, 0, 0, 2, "\x0a\x01b") + frame(tEnd, 0, 0, 2, ""))
	if got := r.read(); got.kind != tError || got.id != 2 || got.flags != fRefused || got.body[0] != 14 {
		t.Errorf("a new stream is answered with %+v", got)
	}
	r.send(frame(tItem, 0, 0, 1, "\x0a\x01c"))
	r.expect(frame(tItem, 0, 0, 1, "\x0a\x01c"))
	r.send(frame(tPong, 0, 0, 0, ping.body) + frame(tItem, 0, 0, 1, "\x0a\x01d"))
	r.expect(frame(tItem, 0, 0, 1, "\x0a\x01d"))
	r.send(frame(tEnd, 0, 0, 1, ""))
	r.expect(frame(tResult, 0, 0, 1, ""))
	if got := r.readAll(); len(got) > 0 {
		t.Errorf("then come %+v", got)
	}
	_ = r.nc.Close()
	if err := <-down; err != nil {
		t.Errorf("Shutdown gives %v", err)
	}
}
