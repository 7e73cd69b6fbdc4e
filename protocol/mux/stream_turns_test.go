package mux_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// Of two goroutines that receive, or send, one is refused: the one that waits is woken, and the connection goes on.
func TestSecondGoroutineIsRefused(t *testing.T) {
	read := make(chan struct{}, 1)
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, streamHandlers{chat: func(ctx context.Context, s *talk) error {
		select {
		case <-read:
		case <-ctx.Done():
		}
		return echoAll(ctx, s)
	}}.service(), handlers{}.service())
	conn := f.conn(t)
	refused := func(err error) bool {
		e, ok := err.(*rpc.Error)
		return ok && e.Code == rpc.FailedPrecondition
	}
	for name, use := range map[string]func(ctx context.Context, s rpc.Stream) error{
		"Recv": func(ctx context.Context, s rpc.Stream) error { return s.Recv(ctx, new(blob)) },
		"Send": func(ctx context.Context, s rpc.Stream) error {
			for {
				if err := s.Send(ctx, &blob{Data: make([]byte, 5000)}); err != nil {
					return err
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := conn.Call(t.Context(),
				rpc.NewStreamCall(&chat.Method, func(ctx context.Context, s rpc.Stream) error {
					ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
					defer cancel()
					returned := make(chan error)
					for range 2 {
						go func() { returned <- use(ctx, s) }()
					}
					if err := <-returned; !refused(err) {
						t.Errorf("got %v", err)
					}
					if name == "Send" {
						// Until the other one has to wait, what is refused varies with when it comes.
						for i := 0; i < 1000 && !refused(s.CloseSend()); i++ {
							time.Sleep(time.Millisecond)
						}
						cancel()
					} else {
						read <- struct{}{}
						if err := s.Send(ctx, &blob{Data: []byte("hello")}); err != nil {
							t.Error(err)
						}
					}
					if err := <-returned; name == "Recv" && err != nil {
						t.Errorf("whoever receives got %v", err)
					}
					return nil
				}))
			if err != nil {
				t.Error(err)
			}
			if _, err := callDivide(rpc.WithTimeout(t.Context(), 10*time.Second), conn, 6, 2); err != nil {
				t.Errorf("another call of the connection: %v", err)
			}
		})
	}
}

// Goroutines that receive with contexts of their own at the same time do not stop the connection.
func TestTwoReceiversDoNotStopTheConnection(t *testing.T) {
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, streamHandlers{chat: func(ctx context.Context, s *talk) error {
		for ctx.Err() == nil {
			if err := s.Send(ctx, []byte("x")); err != nil {
				return err
			}
			time.Sleep(300 * time.Microsecond)
		}
		return nil
	}}.service(), handlers{}.service())
	conn := f.conn(t)
	stop := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = chat.Call(t.Context(), conn, nil, func(ctx context.Context, s *talk) error {
			for range 2 {
				go func() {
					for {
						ctx, cancel := context.WithTimeout(ctx, 300*time.Microsecond)
						_, _ = s.Recv(ctx)
						cancel()
						select {
						case <-stop:
							return
						default:
						}
					}
				}()
			}
			<-stop
			return nil
		})
	}()
	for range 500 {
		if _, err := callDivide(rpc.WithTimeout(t.Context(), 10*time.Second), conn, 6, 2); err != nil {
			t.Error(err)
			break
		}
		time.Sleep(time.Millisecond)
	}
	close(stop)
	select {
	case <-over:
	case <-time.After(10 * time.Second):
		t.Fatal("the call does not end")
	}
}

// A body may return the io.EOF of a Send while another goroutine receives: that gets each message that was sent, and
// what the stream has ended with.
func TestBodyEndsWithSendWhileAnotherReceives(t *testing.T) {
	const count = 100
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, streamHandlers{chat: func(ctx context.Context, s *talk) error {
		for range count {
			if err := s.Send(ctx, []byte("message")); err != nil {
				return err
			}
		}
		return rpc.NewError(rpc.Aborted, "enough")
	}}.service())
	conn := f.conn(t)
	aborted := func(err error) bool {
		e, ok := err.(*rpc.Error)
		return ok && e.Code == rpc.Aborted
	}
	for range 50 {
		received, end := 0, make(chan error)
		err := chat.Call(t.Context(), conn, nil, func(ctx context.Context, s *talk) error {
			go func() {
				for b, err := range s.All() {
					if err != nil {
						end <- err
						return
					}
					if string(b) == "message" {
						received++
					}
				}
				end <- nil
			}()
			for {
				if err := s.Send(ctx, []byte("up")); err != nil {
					return err
				}
			}
		})
		if last := <-end; !aborted(err) || !aborted(last) || received != count {
			t.Fatalf("the receiver got %d messages of %d and then %v; the call returned %v", received, count, last, err)
		}
	}
}

// A handler whose Send is given up in the middle of a message may not care; its caller is not told that all is there.
func TestHalfAMessageIsNoSuccess(t *testing.T) {
	t.Parallel()
	gaveUp := make(chan error, 1)
	f := serve(t, nettest.Memory, rpc.ServerLimits{}, streamHandlers{chat: func(ctx context.Context, s *talk) error {
		one, cancel := context.WithTimeout(ctx, 20*time.Millisecond) // the caller does not read meanwhile
		defer cancel()
		gaveUp <- s.Send(one, make([]byte, 1<<20))
		return nil
	}}.service())
	err := chat.Call(t.Context(), f.conn(t), nil, func(ctx context.Context, s *talk) error {
		if err := <-gaveUp; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the handler's Send returned %v", err)
		}
		b, err := s.Recv(ctx)
		if err == nil {
			t.Errorf("received %d bytes", len(b))
		}
		return err
	})
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Aborted || e.Outcome != rpc.OutcomeAnswered {
		t.Errorf("the call ended with %v", err)
	}
}
