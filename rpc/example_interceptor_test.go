package rpc_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// authenticate lets calls pass whose caller showed a certificate or sent the token: calls of every kind, for there is
// no other way to a handler.
func authenticate(token string) rpc.Interceptor {
	return func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			known := c.Peer != nil && c.Peer.Identity() != nil
			if !known && rpc.IncomingMetadata(ctx).Get("token") != token {
				return rpc.Errorf(rpc.Unauthenticated, "%s is for those with a token", c.Method.Name)
			}
			return next(ctx, c)
		}
	}
}

// An interceptor that authenticates has to know nothing of streams.
func ExampleInterceptor_authentication() {
	answer := rpc.Chain([]rpc.Interceptor{authenticate("s3cret")}, func(ctx context.Context, c *rpc.Call) error {
		fmt.Println(c.Method.Name, "runs")
		return nil
	})
	unary := &rpc.Call{Method: &rpc.Method{Service: "calc.Calculator", Name: "divide"}}
	stream := rpc.NewStreamCall(&rpc.Method{Service: "calc.Calculator", Name: "ticks", ServerStream: true}, nil)
	for _, token := range []string{"", "s3cret"} {
		ctx := rpc.NewServerContext(context.Background(), rpc.CallInfo{Metadata: rpc.Metadata{"token": {token}}},
			time.Time{})
		for _, c := range []*rpc.Call{unary, stream} {
			if err := answer(ctx, c); err != nil {
				fmt.Println(err)
			}
		}
	}
	// Output:
	// unauthenticated: divide is for those with a token
	// unauthenticated: ticks is for those with a token
	// divide runs
	// ticks runs
}

// logged writes a line for each call: of a stream how many messages went each way, of a unary call its arguments, with
// what is sensitive masked.
func logged(next rpc.CallFunc) rpc.CallFunc {
	return func(ctx context.Context, c *rpc.Call) error {
		if c.Body == nil {
			err := next(ctx, c)
			fmt.Println(c.Method.Name, wire.Mask(c.Args), err)
			return err
		}
		n, body := new(messages), c.Body
		c.Body = func(ctx context.Context, s rpc.Stream) error { return body(ctx, countedStream{s, n}) }
		err := next(ctx, c)
		fmt.Println(c.Method.Name, "sent", n.sent.Load(), "received", n.received.Load(), err)
		return err
	}
}

type messages struct{ sent, received atomic.Int64 }

// A countedStream counts the messages of a stream. Both directions may be used at once.
type countedStream struct {
	rpc.Stream
	n *messages
}

func (s countedStream) Send(ctx context.Context, m rpc.Message) error {
	err := s.Stream.Send(ctx, m)
	if err == nil {
		s.n.sent.Add(1)
	}
	return err
}

func (s countedStream) Recv(ctx context.Context, m rpc.Message) error {
	err := s.Stream.Recv(ctx, m)
	if err == nil {
		s.n.received.Add(1)
	}
	return err
}

// adder answers one method.
type adder struct{ everything.CalculatorHandler }

func (adder) Sum(_ context.Context, nums iter.Seq2[int32, error]) (sum int64, err error) {
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		sum += int64(n)
	}
	return sum, nil
}

// An interceptor that counts messages replaces the Body of a stream. The same one serves clients and servers.
func ExampleInterceptor_streams() {
	d, err := rpc.NewDispatcher([]*rpc.Service{everything.NewCalculatorService(adder{})}, rpc.DispatcherOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	server, stop := memoryOf(d)
	defer stop()
	channel := intercepted(rpc.Chain([]rpc.Interceptor{logged}, server.Call))
	fmt.Println(everything.NewCalculatorClient(channel).Sum(context.Background(), slices.Values([]int32{1, 2, 3})))
	// Output:
	// sum sent 3 received 1 <nil>
	// 6 <nil>
}

// hedge makes a call a second time when it has no answer yet after a while, and takes the answer that comes first.
func hedge(after time.Duration) rpc.Interceptor {
	type answer struct {
		call *rpc.Call
		err  error
	}
	return func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			if !c.Method.Idempotent || c.Body != nil {
				return next(ctx, c)
			}
			var tries sync.WaitGroup
			defer tries.Wait() // the arguments are in use until then
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			answers := make(chan answer, 2)
			try := func() {
				fork := c.Fork()
				tries.Go(func() { answers <- answer{fork, next(ctx, fork)} })
			}
			try()
			var first answer
			select {
			case first = <-answers:
			case <-time.After(after):
				try()
				if first = <-answers; first.err != nil { // the other one may do better
					first = <-answers
				}
			}
			if first.err == nil {
				c.Adopt(first.call)
			}
			return first.err
		}
	}
}

// A hedge: two connections carry the same arguments at once.
func ExampleCall_Fork() {
	var calls atomic.Int32
	channel := rpc.Chain([]rpc.Interceptor{hedge(time.Millisecond)}, func(ctx context.Context, c *rpc.Call) error {
		if calls.Add(1) == 1 { // this server hangs
			<-ctx.Done()
			return ctx.Err()
		}
		n, _ := wire.Get[int32](c.Args, "small")
		c.Result.(*everything.Scalars).Small = 2 * n
		return nil
	})
	c := &rpc.Call{
		Method: &rpc.Method{Service: "calc.Calculator", Name: "double", Idempotent: true},
		Args:   &everything.Scalars{Small: 21},
		Result: &everything.Scalars{},
	}
	err := channel(context.Background(), c)
	fmt.Println(wire.String(c.Result), err)
	// Output: {"small":42} <nil>
}
