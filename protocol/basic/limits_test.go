package basic_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/rpc"
)

// lengths are those that bad messages declare.
var lengths = map[string]uint32{"4 MiB and 1": 4<<20 + 1, "2^31 - 1": 1<<31 - 1, "2^31": 1 << 31, "2^32 - 1": 1<<32 - 1}

// heap returns how many bytes f allocates.
func heap(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHugeRequests declares lengths that never come. It runs alone, to measure memory.
func TestHugeRequests(t *testing.T) {
	b := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{})
	neighbour := divide.NewClient(b.Dial())
	for name, n := range lengths {
		for part, head := range map[string][]byte{"name": nil, "arguments": []byte("\x00\x00\x00\x06divide")} {
			t.Run(name+" of "+part, func(t *testing.T) {
				nc := b.Raw()
				if used := heap(func() {
					send(t, nc, append(binary.BigEndian.AppendUint32(head, n), "tiny"...))
					if text := receiveError(t, nc); !strings.HasPrefix(text, "resource_exhausted: ") {
						t.Errorf("error is %q", text)
					}
				}); used > 1<<20 {
					t.Errorf("%d bytes were allocated", used)
				}
				if rest, err := io.ReadAll(nc); len(rest) > 0 || err != nil {
					t.Errorf("%q came after the error, %v", rest, err)
				}
				if got, err := neighbour.Divide(t.Context(), 8); got != 8 || err != nil {
					t.Errorf("the neighbour got %v, %v", got, err)
				}
			})
		}
	}
}

// TestHugeValues declares lengths within arguments that are whole.
func TestHugeValues(t *testing.T) {
	nc := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{}).Raw()
	for name, n := range lengths {
		for _, method := range []string{"strings", "blobs", "circles", "maps", "scalars", "shapes"} {
			t.Run(name+" in "+method, func(t *testing.T) {
				arguments := append(binary.BigEndian.AppendUint32([]byte{1}, n), "tiny"...)
				if used := heap(func() {
					send(t, nc, request(method, arguments))
					if text := receiveError(t, nc); !strings.HasPrefix(text, "invalid_argument: ") {
						t.Errorf("error is %q", text)
					}
				}); used > 1<<20 {
					t.Errorf("%d bytes were allocated", used)
				}
			})
		}
	}
}

// TestBadAnswers gives a client answers that it cannot read. Those that leave no doubt where they end leave the
// connection alive.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	d := pipelinetest.NewDispatcher(t, rpc.ServerLimits{})
	tests := map[string]struct {
		method string
		args   string
		answer string
		code   rpc.Code
		lives  bool
	}{
		"status 0":             {"ping", `{}`, "\x00", rpc.Internal, false},
		"undeclared exception": {"ping", `{}`, "\x02\x00\x00\x00\x00", rpc.Internal, false},
		"exception number 253": {"buy", `{"item": "x"}`, "\xfd", rpc.Internal, false},
		"string of 2^32-1": {"strings", `{"value": ""}`, "\x01\xff\xff\xff\xff", rpc.ResourceExhausted,
			false},
		"error of 2^31": {"ping", `{}`, "\xff\x80\x00\x00\x00tiny", rpc.ResourceExhausted, false},
		"exception of 2^31": {"buy", `{"item": "x"}`, "\x02\x80\x00\x00\x00tiny", rpc.ResourceExhausted,
			false},
		"other fields of 2^31": {"buy", `{"item": "x"}`, "\x02\x00\x00\x00\x00\x80\x00\x00\x00",
			rpc.ResourceExhausted, false},
		"bool of 2":                  {"bools", `{"value": true}`, "\x01\x02", rpc.Internal, true},
		"string that is not UTF-8":   {"strings", `{"value": ""}`, "\x01\x00\x00\x00\x01\xff", rpc.Internal, true},
		"unknown number in a struct": {"scalars", `{"value": {}}`, "\x01\x00\x00\x00\x02\x63\x00", rpc.Internal, true},
		"optional of 2":              {"maybe", `{}`, "\x01\x02\x00\x00\x00\x07", rpc.Internal, true},
		"message as another field": {"buy", `{"item": "x"}`,
			"\x02\x00\x00\x00\x00\x00\x00\x00\x05\x01\x00\x00\x00\x00", rpc.Internal, true},
		"exception that is not UTF-8": {"buy", `{"item": "x"}`, "\x02\x00\x00\x00\x01\xff\x00\x00\x00\x00",
			rpc.Internal, true},
		"error that is not UTF-8": {"ping", `{}`, "\xff\x00\x00\x00\x01\xff", rpc.Unknown, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pipelinetest.NewFake(t, protocol, nettest.Memory, rpc.ServerLimits{}, func(nc net.Conn) {
				readRequest(nc)
				_, _ = nc.Write([]byte(test.answer))
				if name, _ := readRequest(nc); name == "Echo.ping" {
					_, _ = nc.Write([]byte{1})
				}
			}).Dial()
			err := c.Call(t.Context(), pipelinetest.NewCall(t, d, "Echo."+test.method, []byte(test.args)))
			if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != test.code || e.Outcome != rpc.OutcomeAnswered {
				t.Errorf("error is %#v, want code %v", err, test.code)
			}
			err = c.Call(t.Context(), pipelinetest.NewCall(t, d, "Echo.ping", []byte("{}")))
			if lives := err == nil; lives != test.lives {
				t.Errorf("the next call returned %v", err)
			}
		})
	}
}

// TestUnsolicited gives a client bytes that no call asked for.
func TestUnsolicited(t *testing.T) {
	t.Parallel()
	c := pipelinetest.NewFake(t, protocol, nettest.Memory, rpc.ServerLimits{}, func(nc net.Conn) {
		_, _ = nc.Write([]byte{1})
		_, _ = io.Copy(io.Discard, nc)
	}).Dial()
	<-c.Done()
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "no call asked for") {
		t.Errorf("the connection ended with %v", err)
	}
}

// TestNumbers calls a method that has a field with a number over 255.
func TestNumbers(t *testing.T) {
	t.Parallel()
	d, err := rpc.NewDispatcher([]*rpc.Service{everything.NewCalculatorService(nil)}, rpc.DispatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	problems := basic.Check(d)
	if len(problems) == 0 || !strings.Contains(errors.Join(problems...).Error(), "big of Node has the number 2047") {
		t.Errorf("Check returned %v", problems)
	}
	server, client := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		basic.NewServer(d).ServeConn(server, nil, new(rpc.Peer))
	}()
	send(t, client, request("node", nil))
	if text := receiveError(t, client); !strings.HasPrefix(text, "unimplemented: ") ||
		!strings.Contains(text, "big of Node") {
		t.Errorf("error is %q", text)
	}
	client.Close()
	<-done
	c := pipelinetest.NewFake(t, protocol, nettest.Memory, rpc.ServerLimits{}, serveTextbook).Dial()
	_, err = everything.NewCalculatorClient(c).Node(t.Context(), everything.Node{})
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unimplemented ||
		e.Outcome != rpc.OutcomeNotStarted {
		t.Errorf("the client's error is %#v", err)
	}
}

// TestHead serves a connection of which some bytes were read before.
func TestHead(t *testing.T) {
	t.Parallel()
	d := pipelinetest.NewDispatcher(t, rpc.ServerLimits{})
	whole := request("divide", []byte{1, 0, 0, 0, 100})
	for i := range len(whole) + 1 {
		server, client := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			basic.NewServer(d).ServeConn(server, whole[:i], new(rpc.Peer))
		}()
		if i < len(whole) {
			send(t, client, whole[i:])
		}
		if got := receive(t, client, 5); !bytes.Equal(got, []byte{1, 0x42, 0xc8, 0, 0}) {
			t.Errorf("answer is %x after a head of %d bytes", got, i)
		}
		client.Close()
		<-done
	}
}

// TestAllocs holds a call with scalars to no allocation at the client and one, the handler's context, at the server.
func TestAllocs(t *testing.T) {
	if raced {
		t.Skip("pools forget at random under the race detector")
	}
	c := pipelinetest.NewBench(t, protocol, nettest.TCP, rpc.ServerLimits{}).Dial()
	client := divide.NewClient(c)
	num2 := divide.Num2(100)
	ctx := rpc.WithTimeout(context.Background(), 1e12)
	both := testing.AllocsPerRun(1000, func() {
		if _, err := client.Divide(ctx, 200, num2); err != nil {
			t.Error(err)
		}
	})
	if both > 1 {
		t.Errorf("a call allocates %v times at both ends; want 1, for the handler's context", both)
	}
}
