package basic_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A vector is a call as testdata has it: its arguments and its answer in JSON and in bytes.
type vector struct {
	Name      string
	Method    string
	Params    json.RawMessage // or
	Value     json.RawMessage // of the one parameter value, and of the result
	Result    json.RawMessage
	Error     map[string]any
	Arguments hexBytes
	Response  hexBytes
}

type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func readVectors(tb testing.TB) []vector {
	tb.Helper()
	var all []vector
	for _, file := range []string{"testdata/calls.json", "testdata/values.json"} {
		var vectors []vector
		readJSON(tb, file, &vectors)
		all = append(all, vectors...)
	}
	for i := range all {
		if v := &all[i]; v.Value != nil {
			v.Params, v.Result = fmt.Appendf(nil, `{"value": %s}`, v.Value), v.Value
		}
	}
	return all
}

func readJSON(tb testing.TB, file string, v any) {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
}

// request returns the bytes of a request.
func request(name string, arguments []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(arguments)))
	return append(b, arguments...)
}

func TestVectorsOnServer(t *testing.T) {
	t.Parallel()
	bench := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{})
	nc := bench.Raw()
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			send(t, nc, request(v.Method, v.Arguments))
			if got := receive(t, nc, len(v.Response)); !bytes.Equal(got, v.Response) {
				t.Errorf("answer is %x, want %x", got, v.Response)
			}
		})
	}
}

func TestVectorsOnClient(t *testing.T) {
	t.Parallel()
	d := pipelinetest.NewDispatcher(t, rpc.ServerLimits{})
	for _, v := range readVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			requests := make(chan []byte, 1)
			bench := pipelinetest.NewFake(t, protocol, nettest.Memory, rpc.ServerLimits{}, func(nc net.Conn) {
				_, arguments := readRequest(nc)
				requests <- arguments
				_, _ = nc.Write(v.Response)
			})
			call := pipelinetest.NewCall(t, d, v.Method, v.Params)
			err := bench.Dial().Call(t.Context(), call)
			if got := <-requests; !bytes.Equal(got, v.Arguments) {
				t.Errorf("arguments are %x, want %x", got, v.Arguments)
			}
			if v.Error != nil {
				sameException(t, err, v.Error)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			pipelinetest.SameResult(t, d, call, fmt.Appendf(nil, `{"result": %s}`, v.Result))
		})
	}
}

func readRequest(r io.Reader) (name string, arguments []byte) {
	part := func() []byte {
		var n uint32
		_ = binary.Read(r, binary.BigEndian, &n)
		b := make([]byte, n)
		_, _ = io.ReadFull(r, b)
		return b
	}
	name = string(part())
	return name, part()
}

// sameException fails the test if err is not the exception that want says, as the line protocol would show it.
func sameException(tb testing.TB, err error, want map[string]any) {
	tb.Helper()
	e, ok := errors.AsType[rpc.Exception](err)
	if !ok {
		tb.Fatalf("error is %v, want the exception %v", err, want)
	}
	data, err := wire.AppendJSON(nil, e)
	if err != nil {
		tb.Fatal(err)
	}
	got := make(map[string]any)
	if err := json.Unmarshal(data, &got); err != nil {
		tb.Fatal(err)
	}
	name, _ := e.YodelException()
	got["type"] = name[strings.LastIndexByte(name, '.')+1:]
	if got["message"] == nil {
		got["message"] = want["message"] // it is the default, or there is no such field
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		tb.Errorf("exception is %v, want %v", got, want)
	}
}

// TestBadRequests sends each bad request before a good one, which is answered.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	var vectors []struct {
		Name    string
		Request hexBytes
		Code    string
	}
	readJSON(t, "testdata/bad.json", &vectors)
	nc := pipelinetest.NewBench(t, protocol, nettest.Memory, rpc.ServerLimits{}).Raw()
	good := request("divide", []byte{1, 0, 0, 0, 100})
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			send(t, nc, append(v.Request, good...))
			if text := receiveError(t, nc); !strings.HasPrefix(text, v.Code+": ") {
				t.Errorf("error is %q, want code %s", text, v.Code)
			}
			if got := receive(t, nc, 5); !bytes.Equal(got, []byte{1, 0x42, 0xc8, 0, 0}) {
				t.Errorf("the next answer is %x", got)
			}
		})
	}
}

func send(tb testing.TB, nc net.Conn, b []byte) {
	tb.Helper()
	if _, err := nc.Write(b); err != nil {
		tb.Fatal(err)
	}
}

func receive(tb testing.TB, nc net.Conn, n int) []byte {
	tb.Helper()
	b := make([]byte, n)
	if n, err := io.ReadFull(nc, b); err != nil {
		tb.Fatalf("%v after %x", err, b[:n])
	}
	return b
}

// receiveError reads an error of the system.
func receiveError(tb testing.TB, nc net.Conn) string {
	tb.Helper()
	head := receive(tb, nc, 5)
	if head[0] != 255 {
		tb.Fatalf("the answer begins with %d, want 255", head[0])
	}
	return string(receive(tb, nc, int(binary.BigEndian.Uint32(head[1:]))))
}
