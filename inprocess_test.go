package yodel_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

// A local is a handler whose methods each test sets as it needs them. Calling another panics.
type local struct {
	everything.CalculatorHandler
	echo  func(ctx context.Context, data []byte) ([]byte, error)
	node  func(ctx context.Context, n everything.Node) (everything.Node, error)
	ticks func(ctx context.Context, n int32) iter.Seq2[int32, error]
	nodes func(ctx context.Context, nodes iter.Seq2[everything.Node, error]) iter.Seq2[everything.Node, error]
}

func (l local) Echo(ctx context.Context, data []byte) ([]byte, error) { return l.echo(ctx, data) }

func (l local) Node(ctx context.Context, n everything.Node) (everything.Node, error) {
	return l.node(ctx, n)
}

func (l local) Ticks(ctx context.Context, n int32, _ time.Duration) iter.Seq2[int32, error] {
	return l.ticks(ctx, n)
}

func (local) Sum(_ context.Context, nums iter.Seq2[int32, error]) (int64, error) {
	sum := int64(0)
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		sum += int64(n)
	}
	return sum, nil
}

// inBubble runs a test in a bubble, once with copies and once with messages that are encoded. All goroutines of server
// and channel have to end with it.
func inBubble(t *testing.T, o yodel.ServerOptions, h local,
	test func(t *testing.T, srv *yodel.Server, c *everything.CalculatorClient)) {
	t.Helper()
	for _, serialize := range []bool{false, true} {
		t.Run(fmt.Sprintf("serialize %v", serialize), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := o.NewServer(everything.NewCalculatorService(h))
				ch := yodel.InProcessOptions{Serialize: serialize}.Channel(srv)
				test(t, srv, everything.NewCalculatorClient(ch))
				if err := srv.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		})
	}
}

func TestInProcessOutcomes(t *testing.T) {
	srv := yodel.NewServer(divide.NewService(handler{}))
	defer srv.Close()
	ch := srv.Channel()
	defer ch.Close()
	c := divide.NewClient(ch)
	wantQuotient(t, c)
	_, err := c.Divide(t.Context(), 1, divide.Num2(0))
	if e, ok := errors.AsType[*divide.InvalidOperation](err); !ok || e.Message != "invalid operation" {
		t.Errorf("the declared exception came as %v", err)
	}
	_, err = c.Divide(t.Context(), panics)
	wantCode(t, err, rpc.Internal, rpc.OutcomeAnswered)
	if _, err := everything.NewCalculatorClient(ch).Echo(t.Context(), nil); err == nil {
		t.Error("a method that the server does not have was answered")
	} else {
		wantCode(t, err, rpc.Unimplemented, rpc.OutcomeNotStarted)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Divide(ctx, 1)
	if e, ok := errors.AsType[*rpc.ContextError](err); !ok || e.Outcome != rpc.OutcomeNotStarted {
		t.Errorf("with a context that had ended: %v", err)
	}
}

func TestInProcessErrors(t *testing.T) {
	detail := &everything.Account{User: "anna"}
	inBubble(t, yodel.ServerOptions{}, local{echo: func(_ context.Context, data []byte) ([]byte, error) {
		switch string(data) {
		case "exit":
			runtime.Goexit()
		case "undeclared":
			return nil, everything.NewInvalidOperation()
		case "silent":
			return nil, &everything.Silent{Reason: 7}
		}
		return nil, rpc.NewError(rpc.Aborted, "because").WithDetails(detail)
	}}, func(t *testing.T, _ *yodel.Server, c *everything.CalculatorClient) {
		_, err := c.Echo(t.Context(), nil)
		wantCode(t, err, rpc.Aborted, rpc.OutcomeAnswered)
		details := slices.Collect(rpc.DetailsOf[everything.Account](err))
		if len(details) != 1 || details[0].User != "anna" || details[0] == detail {
			t.Errorf("details %v", details)
		}
		if e, _ := errors.AsType[*rpc.Error](err); e.Method != "everything.Calculator/echo" {
			t.Errorf("the error names %q", e.Method)
		}
		_, err = c.Echo(t.Context(), []byte("exit"))
		wantCode(t, err, rpc.Internal, rpc.OutcomeAnswered)
		_, err = c.Echo(t.Context(), []byte("undeclared"))
		wantCode(t, err, rpc.InvalidArgument, rpc.OutcomeAnswered)
		_, err = c.Echo(t.Context(), []byte("silent"))
		if e, ok := errors.AsType[*everything.Silent](err); !ok || e.Reason != 7 {
			t.Errorf("the exception came as %v", err)
		}
	})
}

func TestInProcessInterceptorsAndPeers(t *testing.T) {
	t.Parallel()
	var seen []string
	note := func(side string) rpc.Interceptor {
		return func(next rpc.CallFunc) rpc.CallFunc {
			return func(ctx context.Context, c *rpc.Call) error {
				seen = append(seen, side)
				err := next(ctx, c)
				seen = append(seen, side+" "+c.Peer.Protocol+" "+c.Peer.Addr.String())
				return err
			}
		}
	}
	h := local{echo: func(ctx context.Context, _ []byte) ([]byte, error) {
		rpc.AddAnswerMetadata(ctx, "answer", "b")
		info := rpc.Info(ctx)
		if info.Protocol != "in-process" || info.TLS != nil || info.Unix != nil || ctx.Value(key{}) != nil {
			t.Errorf("the handler sees %+v, and the caller's context", info.Peer)
		}
		return []byte(info.Metadata.Get("question")), nil
	}}
	srv := yodel.ServerOptions{Interceptors: []rpc.Interceptor{note("server")}}.NewServer(
		everything.NewCalculatorService(h))
	defer srv.Close()
	ch := yodel.InProcessOptions{Interceptors: []rpc.Interceptor{note("outer"), note("inner")}}.Channel(srv)
	defer ch.Close()
	var answer rpc.Metadata
	ctx := rpc.WithAnswerMetadata(rpc.WithMetadata(context.WithValue(t.Context(), key{}, 1), "question", "a"), &answer)
	got, err := everything.NewCalculatorClient(ch).Echo(ctx, nil)
	if err != nil || string(got) != "a" || answer.Get("answer") != "b" {
		t.Errorf("got %q, %v, %v", got, err, answer)
	}
	of := " in-process in-process"
	want := []string{"outer", "inner", "server", "server" + of, "inner" + of, "outer" + of}
	if !slices.Equal(seen, want) {
		t.Errorf("interceptors ran as %q", seen)
	}
	_, err = everything.NewCalculatorClient(ch).Echo(rpc.WithMetadata(ctx, "a key", ""), nil)
	wantCode(t, err, rpc.InvalidArgument, rpc.OutcomeNotStarted)
	_, err = everything.NewCalculatorClient(ch).Echo(rpc.WithMetadata(ctx, "k", strings.Repeat("x", 9000)), nil)
	wantCode(t, err, rpc.ResourceExhausted, rpc.OutcomeNotStarted)
}

type key struct{}

// Time is the bubble's: the call ends exactly at its deadline, on both sides, and the test takes none.
func TestInProcessDeadlines(t *testing.T) {
	var ended time.Time
	var why error
	for _, heeds := range []bool{true, false} {
		h := local{echo: func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			ended, why = time.Now(), ctx.Err()
			if !heeds {
				time.Sleep(time.Minute)
			}
			return nil, ctx.Err()
		}}
		inBubble(t, yodel.ServerOptions{}, h, func(t *testing.T, _ *yodel.Server, c *everything.CalculatorClient) {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			_, err := c.Echo(ctx, nil)
			if e, ok := errors.AsType[*rpc.ContextError](err); !ok || !errors.Is(err, context.DeadlineExceeded) ||
				e.Outcome != rpc.OutcomeUnknown || time.Since(began) != time.Hour {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			synctest.Wait()
			if ended.Sub(began) != time.Hour || why != context.DeadlineExceeded {
				t.Errorf("the handler's context ended after %v with %v", ended.Sub(began), why)
			}
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if _, err := c.Echo(ctx, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("canceled: %v", err)
			}
			synctest.Wait()
			if why != context.Canceled {
				t.Errorf("the handler's context ended with %v", why)
			}
			time.Sleep(time.Hour) // for handlers that do not heed
		})
	}
}

func TestInProcessCallTime(t *testing.T) {
	o := yodel.ServerOptions{Limits: rpc.ServerLimits{CallTime: time.Second}}
	inBubble(t, o, local{echo: func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}, func(t *testing.T, _ *yodel.Server, c *everything.CalculatorClient) {
		began := time.Now()
		_, err := c.Echo(t.Context(), nil)
		wantCode(t, err, rpc.DeadlineExceeded, rpc.OutcomeAnswered)
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// What one side keeps and changes, the other does not see.
func TestInProcessSharesNothing(t *testing.T) {
	kept := make(map[string]*everything.Node)
	exc := everything.NewInvalidOperation()
	exc.Details = []string{"a"}
	h := local{
		node: func(_ context.Context, n everything.Node) (everything.Node, error) {
			kept["args"] = &n
			kept["result"] = &everything.Node{Children: []everything.Node{{Label: "theirs"}}}
			return *kept["result"], nil
		},
		nodes: func(_ context.Context, nodes iter.Seq2[everything.Node, error]) iter.Seq2[everything.Node, error] {
			return func(yield func(everything.Node, error) bool) {
				for n, err := range nodes {
					if !yield(n, err) {
						return
					}
					if err == nil {
						n.Children[0].Label = "changed"
					}
				}
			}
		},
		ticks: func(context.Context, int32) iter.Seq2[int32, error] {
			return func(yield func(int32, error) bool) { yield(0, exc) }
		},
	}
	inBubble(t, yodel.ServerOptions{}, h, func(t *testing.T, _ *yodel.Server, c *everything.CalculatorClient) {
		arg := everything.NewNode()
		arg.Children = []everything.Node{everything.NewNode()}
		arg.Children[0].Label = "mine"
		got, err := c.Node(t.Context(), arg)
		if err != nil || got.Children[0].Label != "theirs" || kept["args"].Children[0].Label != "mine" {
			t.Fatalf("got %v, %v", got, err)
		}
		kept["args"].Children[0].Label, kept["result"].Children[0].Label = "x", "y"
		if arg.Children[0].Label != "mine" || got.Children[0].Label != "theirs" {
			t.Errorf("the handler has changed the caller's messages: %v, %v", arg, got)
		}
		sent := []everything.Node{arg, arg}
		var received []everything.Node
		for n, err := range callNodes(t.Context(), c, slices.Values(sent)) {
			if err != nil {
				t.Fatal(err)
			}
			received = append(received, n)
		}
		if !reflect.DeepEqual(received, sent) || arg.Children[0].Label != "mine" {
			t.Errorf("sent %v, received %v", sent, received)
		}
		for _, err := range c.Ticks(t.Context(), 1) {
			e, ok := errors.AsType[*everything.InvalidOperation](err)
			if !ok || e == exc || &e.Details[0] == &exc.Details[0] {
				t.Errorf("the exception came as %v, or as the handler's own", err)
			}
		}
	})
}

// With Serialize what cannot be encoded, or is too large, fails as over a network; else it is copied.
func TestInProcessSerialize(t *testing.T) {
	h := local{
		node: func(_ context.Context, n everything.Node) (everything.Node, error) {
			n.Label += "\xff"
			return n, nil
		},
		echo: func(_ context.Context, data []byte) ([]byte, error) { return make([]byte, 2*len(data)), nil },
	}
	srv := yodel.ServerOptions{Limits: rpc.ServerLimits{Limits: rpc.Limits{Message: 1000}}}.NewServer(
		everything.NewCalculatorService(h))
	defer srv.Close()
	copied, serialized := srv.Channel(), yodel.InProcessOptions{Serialize: true}.Channel(srv)
	defer copied.Close()
	defer serialized.Close()
	c := everything.NewCalculatorClient(copied)
	if got, err := c.Node(t.Context(), everything.Node{Label: "\xfe"}); err != nil || got.Label != "\xfe\xff" {
		t.Errorf("copied: %q, %v", got.Label, err)
	}
	if got, err := c.Echo(t.Context(), make([]byte, 1000)); err != nil || len(got) != 2000 {
		t.Errorf("copied: %d bytes, %v", len(got), err)
	}
	c = everything.NewCalculatorClient(serialized)
	_, err := c.Node(t.Context(), everything.Node{Label: "\xfe"})
	wantCode(t, err, rpc.InvalidArgument, rpc.OutcomeNotStarted)
	_, err = c.Node(t.Context(), everything.Node{})
	wantCode(t, err, rpc.Internal, rpc.OutcomeAnswered)
	_, err = c.Echo(t.Context(), make([]byte, 1000))
	wantCode(t, err, rpc.ResourceExhausted, rpc.OutcomeNotStarted)
	_, err = c.Echo(t.Context(), make([]byte, 900))
	wantCode(t, err, rpc.ResourceExhausted, rpc.OutcomeAnswered)
}

// Calls beyond Limits.Calls wait for one that runs, and a Serial server runs one at a time.
func TestInProcessCallsAtOnce(t *testing.T) {
	limit := func(n int) yodel.ServerOptions {
		return yodel.ServerOptions{Limits: rpc.ServerLimits{Limits: rpc.Limits{Calls: n}}}
	}
	for want, o := range map[int]yodel.ServerOptions{1: {Mode: yodel.Serial}, 2: limit(2)} {
		var mu sync.Mutex
		running, most := 0, 0
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			running += n
			most = max(most, running)
		}
		h := local{echo: func(context.Context, []byte) ([]byte, error) {
			count(1)
			defer count(-1)
			time.Sleep(time.Second)
			return nil, nil
		}}
		inBubble(t, o, h, func(t *testing.T, srv *yodel.Server, c *everything.CalculatorClient) {
			running, most = 0, 0
			done, began := make(chan error, 4), time.Now()
			for range 4 {
				go func() {
					_, err := c.Echo(context.Background(), nil)
					done <- err
				}()
			}
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if _, err := c.Echo(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a call too many: %v", err)
			}
			for range 4 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if took := time.Since(began); most != want || took != time.Duration(4/want)*time.Second {
				t.Errorf("%d ran at once, and all took %v; want %d", most, took, want)
			}
		})
	}
}

func TestInProcessMistakes(t *testing.T) {
	t.Parallel()
	bad := yodel.ServerOptions{DrainTimeout: -1}.NewServer(divide.NewService(handler{}))
	good := yodel.NewServer(divide.NewService(handler{}))
	defer good.Close()
	for want, ch := range map[string]*yodel.Channel{
		"DrainTimeout":               bad.Channel(),
		"Limits.Calls":               yodel.InProcessOptions{Limits: rpc.Limits{Calls: -1}}.Channel(good),
		"InProcessOptions.Timeout":   yodel.InProcessOptions{Timeout: -1}.Channel(good),
		"the server in this process": nil,
	} {
		if ch == nil {
			good.Close()
			ch = good.Channel()
			if err := ch.Connect(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v; want it to name %s", err, want)
			}
			continue
		}
		if _, err := divide.NewClient(ch).Divide(t.Context(), 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want it to name %s", err, want)
		}
		ch.Close()
	}
}
