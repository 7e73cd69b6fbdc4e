package yodel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// gate is a handler that says when it has begun, and waits until it is opened.
type gate struct {
	begun chan struct{}
	open  chan struct{}
}

func newGate() *gate { return &gate{begun: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) Divide(context.Context, int32, int32) (float32, error) {
	g.begun <- struct{}{}
	<-g.open
	return 2, nil
}

func TestShutdownLetsCallsFinish(t *testing.T) {
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, ln := newGate(), nettest.ListenMemory()
				srv := yodel.NewServer(divide.NewService(g))
				var all sync.WaitGroup
				ctx, end := context.WithCancel(t.Context())
				all.Go(func() {
					if err := srv.Serve(ctx, ln); err != nil {
						t.Errorf("Serve: %v", err)
					}
				})
				ch, _ := yodel.DialOptions{Dialer: through(ln)}.Dial(scheme + "://memory:1")
				all.Go(func() {
					got, err := divide.NewClient(ch).Divide(context.Background(), 200)
					if err != nil || got != 2 {
						t.Errorf("the call that ran at the shutdown = %v, %v; want 2", got, err)
					}
				})
				<-g.begun
				end()
				synctest.Wait()
				if _, err := ln.Dial(t.Context()); !errors.Is(err, nettest.ErrRefused) {
					t.Errorf("dial = %v; want it refused", err)
				}
				close(g.open)
				all.Wait()
				ch.Close()
			})
		})
	}
}

func TestShutdownCutsAtTheEndOfItsContext(t *testing.T) {
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := nettest.ListenMemory()
				srv := serve(t, yodel.ServerOptions{}, ln)
				ch, _ := yodel.DialOptions{Dialer: through(ln)}.Dial(scheme + "://memory:1")
				failed := make(chan error)
				go func() {
					_, err := divide.NewClient(ch).Divide(t.Context(), waits)
					failed <- err
				}()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				if err := srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Shutdown = %v; want context.DeadlineExceeded", err)
				}
				if took := time.Since(began); took != time.Minute {
					t.Errorf("Shutdown took %v; want 1m", took)
				}
				wantCode(t, <-failed, rpc.Unavailable, rpc.OutcomeUnknown)
				ch.Close()
			})
		})
	}
}

// A connection that was accepted before the shutdown, and whose first call comes a moment later, is answered.
func TestShutdownHearsNewConnections(t *testing.T) {
	for _, test := range spoken[:7] {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ln := nettest.ListenMemory()
				srv := serve(t, yodel.ServerOptions{}, ln)
				nc, _ := ln.Dial(t.Context())
				synctest.Wait()
				down := make(chan error)
				go func() { down <- srv.Shutdown(t.Context()) }()
				time.Sleep(500 * time.Millisecond)
				send(t, nc, test.request, test.response)
				nc.Close()
				if err := <-down; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A lazy listener accepts nothing until it is told to end.
type lazy struct {
	*net.TCPListener
	asked, told chan struct{}
	ask, accept func()
}

func newLazy(ln net.Listener) *lazy {
	l := &lazy{TCPListener: ln.(*net.TCPListener), asked: make(chan struct{}), told: make(chan struct{})}
	l.ask = sync.OnceFunc(func() { close(l.asked) })
	l.accept = sync.OnceFunc(func() { close(l.told) })
	return l
}

func (l *lazy) Accept() (net.Conn, error) {
	l.ask()
	<-l.told
	return l.TCPListener.Accept()
}

func (l *lazy) SetDeadline(t time.Time) error { defer l.accept(); return l.TCPListener.SetDeadline(t) }

func (l *lazy) Close() error { defer l.accept(); return l.TCPListener.Close() }

// A client is connected when the system says so, which may be before the server hears of it.
func TestShutdownHearsConnectionsOfTheSystemsQueue(t *testing.T) {
	t.Parallel()
	for _, test := range spoken[:7] {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ln, connect := listenAt(t, "tcp", "127.0.0.1:0")
			late := newLazy(ln)
			srv := serve(t, yodel.ServerOptions{}, late)
			<-late.asked
			conns := []net.Conn{connect(t), connect(t), connect(t)}
			for _, nc := range conns {
				if _, err := io.WriteString(nc, test.request); err != nil {
					t.Fatal(err)
				}
			}
			down := make(chan error)
			go func() { down <- srv.Shutdown(t.Context()) }()
			for _, nc := range conns {
				send(t, nc, "", test.response)
				nc.Close()
			}
			if err := <-down; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestServeAfterShutdownFails(t *testing.T) {
	t.Parallel()
	srv := yodel.NewServer()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := srv.Serve(t.Context(), nettest.ListenMemory()); err != yodel.ErrServerClosed {
		t.Errorf("Serve = %v", err)
	}
	if err := srv.ListenAndServe(t.Context(), "127.0.0.1:0"); err != yodel.ErrServerClosed {
		t.Errorf("ListenAndServe = %v", err)
	}
}
