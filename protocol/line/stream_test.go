package line_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/rpc"
)

// The bytes, as PROTOCOL.md has them, for a program that knows lines and nothing else.
func TestStreamOnTheWire(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]string{
		`{"name": "ticks", "params": {"count": 2}}`: `{"item": 1}|{"item": 2}|{"end": null}|{"result": "next"}|`,
		`{"name": "ticks", "params": {"count": 0}}`: `{"end": null}|{"result": "next"}|`,
		`{"name": "ticks", "params": {"count": -3}}`: `{"item": 1}|{"error": {"type": "aborted", ` +
			`"message": "behind the first"}}|{"result": "next"}|`,
		`{"name": "ticks", "params": {"count": -4}}`: `{"item": 1}|{"error": {"type": "internal", ` +
			`"message": "the handler panicked; the server's log says where"}}|{"result": "next"}|`,
		`{"name": "ticks", "params": {"cuont": 1}}`: `{"error": {"type": "invalid_argument", "message": ` +
			`"params.cuont: unknown argument; did you mean \"count\"?"}}|{"result": "next"}|`,
		`{"name": "ticks"}`: `{"error": {"type": "invalid_argument", "message": ` +
			`"params: missing argument \"count\""}}|{"result": "next"}|`,
	} {
		for _, n := range nettest.All {
			t.Run(n.Name+" "+request, func(t *testing.T) {
				t.Parallel()
				nc := pipelinetest.NewBench(t, protocol, n, rpc.ServerLimits{}).Raw()
				go fmt.Fprintf(nc, "%s\n{\"name\": \"strings\", \"params\": {\"value\": \"next\"}}\n", request)
				r := bufio.NewReader(nc)
				var got strings.Builder
				for range strings.Count(want, "|") {
					line, err := r.ReadString('\n')
					if err != nil {
						t.Fatal(err)
					}
					got.WriteString(strings.TrimSuffix(line, "\r\n") + "|")
				}
				if got.String() != want {
					t.Errorf("answered %s\nwant     %s", got.String(), want)
				}
			})
		}
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			c := every.NewEchoClient(pipelinetest.NewBench(t, protocol, n, rpc.ServerLimits{}).Dial())
			for _, count := range []int32{0, 1, 5_000} {
				next := int32(1)
				for v, err := range c.Ticks(t.Context(), count) {
					if err != nil || v != next {
						t.Fatalf("message %d is %d, %v", next, v, err)
					}
					next++
				}
				if next != count+1 {
					t.Errorf("%d messages of %d", next-1, count)
				}
			}
			for count, code := range map[int32]rpc.Code{
				pipelinetest.TicksFail: rpc.Aborted, pipelinetest.TicksPanic: rpc.Internal,
			} {
				got, err := collect(c.Ticks(t.Context(), count))
				var e *rpc.Error
				if !slices.Equal(got, []int32{1}) || !errors.As(err, &e) || e.Code != code ||
					e.Outcome != rpc.OutcomeAnswered {
					t.Errorf("ticks of %d: %v, %v", count, got, err)
				}
			}
			if v, err := c.Strings(t.Context(), "after it"); v != "after it" || err != nil {
				t.Errorf("a call on the same connection: %q, %v", v, err)
			}
		})
	}
}

func collect(all func(func(int32, error) bool)) (values []int32, err error) {
	for v, e := range all {
		if e != nil {
			return values, e
		}
		values = append(values, v)
	}
	return values, nil
}

// Whatever ends a stream at the client ends the handler, whether it sends or waits.
func TestStreamIsLeft(t *testing.T) {
	t.Parallel()
	leave := map[string]func(ctx context.Context, cancel func(), c *every.EchoClient, conn rpc.Conn, count int32){
		"break": func(ctx context.Context, _ func(), c *every.EchoClient, _ rpc.Conn, count int32) {
			for range c.Ticks(ctx, count) {
				break
			}
		},
		"cancel": func(ctx context.Context, cancel func(), c *every.EchoClient, _ rpc.Conn, count int32) {
			for range c.Ticks(ctx, count) {
				cancel()
			}
		},
		"deadline": func(ctx context.Context, _ func(), c *every.EchoClient, _ rpc.Conn, count int32) {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			for range c.Ticks(ctx, count) {
			}
		},
		"panic": func(ctx context.Context, _ func(), c *every.EchoClient, _ rpc.Conn, count int32) {
			defer func() { recover() }()
			for range c.Ticks(ctx, count) {
				panic("in the loop")
			}
		},
		"close": func(ctx context.Context, _ func(), c *every.EchoClient, conn rpc.Conn, count int32) {
			for range c.Ticks(ctx, count) {
				conn.Close()
			}
		},
	}
	for name, leave := range leave {
		for _, n := range nettest.All {
			for _, count := range []int32{pipelinetest.TicksForever, pipelinetest.TicksWait} {
				t.Run(fmt.Sprint(name, " ", n.Name, " ", count), func(t *testing.T) {
					t.Parallel()
					b := pipelinetest.NewBench(t, protocol, n, rpc.ServerLimits{})
					conn := b.Dial()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					leave(ctx, cancel, every.NewEchoClient(conn), conn, count)
					<-b.Echo.Ended // as the handler returns
					<-conn.Ended()
					if conn.Err() == nil {
						t.Error("the connection takes calls, though nothing tells the server that the caller has left")
					}
				})
			}
		}
	}
}

// A caller that does not read makes the server wait; memory at both sides stays bounded, and the stream whole.
func TestStreamThatIsNotRead(t *testing.T) {
	t.Parallel()
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			b := pipelinetest.NewBench(t, protocol, n, rpc.ServerLimits{})
			conn := b.Dial()
			next := int32(1)
			for v, err := range every.NewEchoClient(conn).Ticks(t.Context(), 50_000) {
				if next == 1 {
					time.Sleep(50 * time.Millisecond) // so that buffers fill; nothing depends on how long it is
				}
				if err != nil || v != next {
					t.Fatalf("message %d is %d, %v", next, v, err)
				}
				next++
			}
			if next != 50_001 {
				t.Errorf("%d messages", next-1)
			}
		})
	}
}

// What a server sends that is no stream ends the call with an error that says so.
func TestStreamThatIsMalformed(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"{\"result\": 1}\r\n":                     `it has none of "item", "end" and "error"`,
		"{\"item\": \"x\"}\r\n":                   `result: "x" is not an int`,
		"{\"item\": 1, \"item\": 2}\r\n":          `"item" appears twice`,
		"{\"item\": 1}\r\n{\"item\": 2}\r\n{x}\n": `the answer cannot be read`,
		"{\"item\": 1}\r\n":                       "the server closed it",
		"":                                        "the server closed it",
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			fake := pipelinetest.NewFake(t, protocol, nettest.Memory, rpc.ServerLimits{}, func(nc net.Conn) {
				if _, err := bufio.NewReader(nc).ReadString('\n'); err == nil {
					io.WriteString(nc, answer)
				}
			})
			_, err := collect(every.NewEchoClient(fake.Dial()).Ticks(t.Context(), 3))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("err = %v; want %q", err, want)
			}
		})
	}
}
