package line_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var protocol = pipelinetest.Protocol{
	Dial:      func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) { return line.Dial(ctx, o) },
	NewServer: func(d *rpc.Dispatcher) pipelinetest.Server { return line.NewServer(d) },
	Request: func(value string) (request, answer []byte) {
		return fmt.Appendf(nil, `{"name": "Echo.strings", "params": {"value":%q}}`+"\r\n", value),
			fmt.Appendf(nil, `{"result": %q}`+"\r\n", value)
	},
}

func TestConn(t *testing.T) { pipelinetest.Run(t, protocol) }

// TestErrors shows what people read.
func TestErrors(t *testing.T) {
	t.Parallel()
	nc := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{}).Raw()
	lines := bufio.NewReader(nc)
	for _, test := range []struct{ request, kind, message string }{
		{`{"name": "divid"}`, "unimplemented", `unknown method "divid"; this server has divide, `},
		{`{"name": "divide", "params": {"num1": "abc"}}`, "invalid_argument", `params.num1: "abc" is not an int`},
		{`{"name": "divide", "params": {"num2": 1}}`, "invalid_argument", `params: missing argument "num1"`},
		{`{"name": "divide" "params": {}}`, "invalid_argument",
			`unexpected '"' at byte 18 of the JSON text: want ',' or '}'`},
		{`{"params": {}}`, "invalid_argument", `"name" is missing; a request is `},
		{`{"name": null}`, "invalid_argument", `"name" is "null"; `},
		{`{"name": "ping", "name": "divide"}`, "invalid_argument", `"name" appears twice`},
		{`{"name": "ping"`, "invalid_argument", `the JSON text ends early`},
		{`{"name": "ping"} {}`, "invalid_argument", `unexpected '{' at byte 17 of the JSON text: want the end`},
		{`[]`, "invalid_argument", `unexpected '[' at byte 0 of the JSON text: want an object`},
		{`7`, "invalid_argument", `unexpected character at byte 0 of the JSON text: want an object`},
		{`{"name": "ping", "params": ` + strings.Repeat("[", 100_000) + `}`, "invalid_argument",
			`values are nested more than 100 deep`},
		{`{"name": "ping", "parms": {}}`, "invalid_argument",
			`"parms" has no meaning; a request is {"name": "method", "params": {"parameter": value}}`},
		{`{"name": "ping", "id": 7}`, "invalid_argument",
			`"id" has no meaning: answers come in the order of the requests; a request is {`},
		{`{"name": "ping", "\u0069d": "\u0069", "id": 7}`, "invalid_argument", `"id" has no meaning: `},
		{`{"name": "ping", "params": {"num1": 1}}`, "invalid_argument", `params.num1: unknown argument; there is none`},
		{`{"name": "divide", "params": {"num1": 1, "Num_2": 0}}`, "invalid_argument",
			`params.Num_2: unknown argument; did you mean "num2"?`},
		{`{"name": "divide", "params": {"nmu1": 1}}`, "invalid_argument",
			`params.nmu1: unknown argument; did you mean "num1"?`},
		{`{"name": "divide", "params": {"dividend": 1}}`, "invalid_argument",
			`params.dividend: unknown argument; there are "num1" and "num2"`},
		{`{"name": "strings", "params": {"value": "panic"}}`, "internal",
			`the handler panicked; the server's log says where`},
		{`{"name": "strings", "params": {"value": "plain error"}}`, "unknown", "a plain error\r\nof two lines"},
		{`{"name": "sum", "params": {}}`, "unimplemented",
			`sum is a stream, which the line protocol does not carry`},
	} {
		var answer struct {
			Error struct{ Type, Message string }
		}
		text := exchange(t, nc, lines, test.request)
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		if strings.Contains(text, "not_started") {
			t.Errorf("%.60s is answered by %s, as if no more were run on the connection", test.request, text)
		}
		if answer.Error.Type != test.kind || !strings.HasPrefix(answer.Error.Message, test.message) {
			t.Errorf("%.60s is answered by %s", test.request, text)
		}
	}
}

// TestBytes holds the answers to their bytes, as they stand in the documentation.
func TestBytes(t *testing.T) {
	t.Parallel()
	nc := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{}).Raw()
	lines := bufio.NewReader(nc)
	for request, want := range map[string]string{
		`{"name": "divide", "params": {"num1": 200, "num2": 100}}`:        `{"result": 2}`,
		"\r\n\n  \t\r\n" + `  {"name": "divide", "params": {"num1": 1}} `: `{"result": 1}`,
		`{"name": "ping"}`: `{"result": null}`,
		`{"name": "divide", "params": {"num1": 1, "num2": 0}}`: `{"error": {"type": "InvalidOperation", "message": ` +
			`"invalid operation"}}`,
	} {
		if got := exchange(t, nc, lines, request); got != want+"\r\n" {
			t.Errorf("%q is answered by %q, want %q", request, got, want)
		}
	}
}

// TestLongLine sends a line over the limit, of which an answer tells before it ends.
func TestLongLine(t *testing.T) {
	t.Parallel()
	nc := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{Limits: rpc.Limits{Message: 100}}).Raw()
	if _, err := nc.Write(bytes.Repeat([]byte("x"), 101)); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(nc)
	if !strings.HasPrefix(string(rest), `{"error": {"type": "resource_exhausted", `) || err != nil {
		t.Errorf("answer is %q, %v", rest, err)
	}
}

// TestBadAnswers gives a client lines that it cannot read.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	d := pipelinetest.NewDispatcher(t, rpc.ServerLimits{})
	for answer, code := range map[string]rpc.Code{
		"nonsense":                           rpc.Internal,
		"{}":                                 rpc.Internal,
		`{"result": 7}`:                      rpc.Internal,
		`{"error": "text"}`:                  rpc.Internal,
		`{"error": {"type": 7}}`:             rpc.Internal,
		`{"error": {}}`:                      rpc.Unknown,
		`{"error": {"type": "NotDeclared"}}`: rpc.Unknown,
		`{"error": {"type": "aborted", "message": 7}}`: rpc.Aborted,
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			c := pipelinetest.NewFake(t, protocol, nettest.Memory, rpc.ServerLimits{}, func(nc net.Conn) {
				lines := bufio.NewReader(nc)
				_, _ = lines.ReadString('\n')
				_, _ = nc.Write([]byte(answer + "\n"))
				_, _ = lines.ReadString('\n')
				_, _ = nc.Write([]byte("\n{\"result\": \"good\"}\n"))
			}).Dial()
			err := c.Call(t.Context(), pipelinetest.NewCall(t, d, "strings", []byte(`{"value": ""}`)))
			if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != code || e.Outcome != rpc.OutcomeAnswered {
				t.Errorf("error is %#v, want code %v", err, code)
			}
			if err := c.Call(t.Context(), pipelinetest.NewCall(t, d, "strings", []byte(`{"value": ""}`))); err != nil {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}
