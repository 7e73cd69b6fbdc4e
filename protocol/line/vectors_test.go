package line_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"os"
	"reflect"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/rpc"
)

// A vector is a request and its answer as testdata has them. In bad.json there is a code in place of the answer.
type vector struct {
	Name     string
	Request  string
	Response json.RawMessage
	Code     string
}

func readVectors(tb testing.TB, file string) []vector {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	return vectors
}

// exchange sends a line and returns the line that comes back.
func exchange(tb testing.TB, nc net.Conn, lines *bufio.Reader, request string) string {
	tb.Helper()
	if _, err := nc.Write([]byte(request + "\r\n")); err != nil {
		tb.Fatal(err)
	}
	answer, err := lines.ReadString('\n')
	if err != nil {
		tb.Fatalf("%v after %q", err, answer)
	}
	return answer
}

func decode(tb testing.TB, data []byte) (v any) {
	tb.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		tb.Fatalf("%v in %s", err, data)
	}
	return v
}

func TestVectorsOnServer(t *testing.T) {
	t.Parallel()
	nc := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{}).Raw()
	lines := bufio.NewReader(nc)
	for _, v := range readVectors(t, "testdata/calls.json") {
		t.Run(v.Name, func(t *testing.T) {
			answer := exchange(t, nc, lines, v.Request)
			if got, want := decode(t, []byte(answer)), decode(t, v.Response); !reflect.DeepEqual(got, want) {
				t.Errorf("answer is %s, want %s", answer, v.Response)
			}
		})
	}
}

func TestVectorsOnClient(t *testing.T) {
	t.Parallel()
	d := pipelinetest.NewDispatcher(t, rpc.ServerLimits{})
	for _, v := range readVectors(t, "testdata/calls.json") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			bench := pipelinetest.NewFake(t, protocol, nettest.Memory, rpc.ServerLimits{}, func(nc net.Conn) {
				_, _ = bufio.NewReader(nc).ReadString('\n')
				_, _ = nc.Write(append(v.Response, '\n'))
			})
			var request struct {
				Name   string
				Params json.RawMessage
			}
			if err := json.Unmarshal([]byte(v.Request), &request); err != nil {
				t.Fatal(err)
			}
			if len(request.Params) == 0 || string(request.Params) == "null" {
				request.Params = []byte("{}")
			}
			call := pipelinetest.NewCall(t, d, request.Name, request.Params)
			err := bench.Dial().Call(t.Context(), call)
			_, isException := errors.AsType[rpc.Exception](err)
			_, wantException := decode(t, v.Response).(map[string]any)["error"]
			if isException != wantException || err != nil && !isException {
				t.Fatalf("error is %v for the answer %s", err, v.Response)
			}
			if err == nil {
				pipelinetest.SameResult(t, d, call, v.Response)
			}
		})
	}
}

// TestBadRequests sends each bad request before a good one, which is answered.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	nc := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{}).Raw()
	lines := bufio.NewReader(nc)
	for _, v := range readVectors(t, "testdata/bad.json") {
		t.Run(v.Name, func(t *testing.T) {
			answer := exchange(t, nc, lines, v.Request)
			body, _ := decode(t, []byte(answer)).(map[string]any)["error"].(map[string]any)
			if body["type"] != v.Code {
				t.Errorf("answer is %s, want an error of type %s", answer, v.Code)
			}
			if got := exchange(t, nc, lines,
				`{"name": "divide", "params": {"num1": 8}}`); got != "{\"result\": 8}\r\n" {
				t.Errorf("the next answer is %q", got)
			}
		})
	}
}
