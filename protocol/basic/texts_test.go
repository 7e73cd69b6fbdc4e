package basic_test

import (
	"net"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/rpc"
)

// TestTextsOfBadRequests shows what callers read: the names of a definition, and none of generated code.
func TestTextsOfBadRequests(t *testing.T) {
	t.Parallel()
	nc := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{}).Raw()
	for name, tt := range map[string]struct{ method, arguments, want string }{
		"unknown argument": {"divide", "\x03\x00\x00\x00\x07",
			"invalid_argument: arguments of divide: there is no number 3"},
		"unknown field": {"scalars", "\x01\x00\x00\x00\x02\x63\x01",
			"invalid_argument: arguments of scalars: value: there is no number 99 in Scalars"},
		"missing": {"divide", "", "invalid_argument: arguments of divide: num1 (number 1) is required and missing"},
	} {
		t.Run(name, func(t *testing.T) {
			send(t, nc, request(tt.method, []byte(tt.arguments)))
			if text := receiveError(t, nc); text != tt.want {
				t.Errorf("error is %q, want %q", text, tt.want)
			}
		})
	}
}

// TestTextsOfBadAnswers shows what a client says of an answer that it cannot read.
func TestTextsOfBadAnswers(t *testing.T) {
	t.Parallel()
	d := pipelinetest.NewDispatcher(t, rpc.ServerLimits{})
	for name, tt := range map[string]struct{ method, args, answer, want string }{
		"another protocol, no exception": {"Echo.ping", `{}`, "SSH-",
			"the answer begins with the byte 83, and answers of ping with 1 or 255: the server speaks another " +
				"protocol, or has another definition"},
		"another protocol, one exception": {"divide", `{"num1": 1}`, "SSH-",
			"the answer begins with the byte 83, and answers of divide with 1, 2 or 255: the server speaks another " +
				"protocol, or has another definition"},
		"another protocol, two exceptions": {"Echo.buy", `{"item": ""}`, "SSH-",
			"the answer begins with the byte 83, and answers of buy with 1, 2 to 3 or 255: the server speaks another " +
				"protocol, or has another definition"},
		"another protocol, all ones": {"divide", `{"num1": 1}`, "\xff\xff\xff\xff\xff\xff",
			"the answer has 4294967300 bytes; the limit is 4194304: raise Limits.Message, unless the server speaks " +
				"another protocol"},
		"unknown field of an exception": {"Echo.buy", `{"item": ""}`, "\x02\x00\x00\x00\x00\x00\x00\x00\x01\x63",
			"the answer cannot be read: OutOfStock: there is no number 99"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pipelinetest.NewFake(t, protocol, nettest.Memory, rpc.ServerLimits{}, func(nc net.Conn) {
				readRequest(nc)
				_, _ = nc.Write([]byte(tt.answer))
			}).Dial()
			err := c.Call(t.Context(), pipelinetest.NewCall(t, d, tt.method, []byte(tt.args)))
			if err == nil || !strings.Contains(err.Error(), ": "+tt.want) {
				t.Errorf("error is\n%v, want\n%s", err, tt.want)
			}
		})
	}
}
