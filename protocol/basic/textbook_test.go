package basic_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/rpc"
)

// The programs in this file know nothing of the module: they are what somebody writes who has read PROTOCOL.md.

// textbookClient calls divide on a connection in turn.
type textbookClient struct{ nc net.Conn }

func (c textbookClient) divide(arguments ...int32) (result float32, message string, err error) {
	var request bytes.Buffer
	put := func(v any) { _ = binary.Write(&request, binary.BigEndian, v) }
	put(uint32(len("divide")))
	request.WriteString("divide")
	put(uint32(5 * len(arguments)))
	for i, v := range arguments {
		put(uint8(i + 1))
		put(v)
	}
	if _, err := c.nc.Write(request.Bytes()); err != nil {
		return 0, "", err
	}
	var status uint8
	if err := binary.Read(c.nc, binary.BigEndian, &status); err != nil {
		return 0, "", err
	}
	if status == 1 {
		return result, "", binary.Read(c.nc, binary.BigEndian, &result)
	}
	var n uint32
	if err := binary.Read(c.nc, binary.BigEndian, &n); err != nil {
		return 0, "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(c.nc, text)
	return 0, string(text), err
}

// serveTextbook answers divide on one connection, a request after the other.
func serveTextbook(nc net.Conn) {
	defer nc.Close()
	for {
		name, arguments, err := readTextbookRequest(nc)
		if err != nil {
			return
		}
		numbers := map[byte]int32{2: 1}
		for ; len(arguments) >= 5; arguments = arguments[5:] {
			numbers[arguments[0]] = int32(binary.BigEndian.Uint32(arguments[1:]))
		}
		var answer []byte
		switch {
		case name != "divide":
			answer = textbookError(255, "unknown function")
		case numbers[2] == 0:
			answer = textbookError(2, "invalid operation")
		default:
			result := float32(numbers[1]) / float32(numbers[2])
			answer = binary.BigEndian.AppendUint32([]byte{1}, math.Float32bits(result))
		}
		if _, err := nc.Write(answer); err != nil {
			return
		}
	}
}

func readTextbookRequest(nc net.Conn) (name string, arguments []byte, err error) {
	var parts [2][]byte
	for i := range parts {
		var n uint32
		if err := binary.Read(nc, binary.BigEndian, &n); err != nil {
			return "", nil, err
		}
		parts[i] = make([]byte, n)
		if _, err := io.ReadFull(nc, parts[i]); err != nil {
			return "", nil, err
		}
	}
	return string(parts[0]), parts[1], nil
}

func textbookError(status byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{status}, uint32(len(text))), text...)
}

func TestTextbookClient(t *testing.T) {
	t.Parallel()
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			c := textbookClient{pipelinetest.NewBench(t, protocol, n, rpc.ServerLimits{}).Raw()}
			for range 3 {
				if got, message, err := c.divide(200, 100); got != 2 || message != "" || err != nil {
					t.Errorf("divide(200, 100) = %v, %q, %v", got, message, err)
				}
				if got, message, err := c.divide(100); got != 100 || message != "" || err != nil {
					t.Errorf("divide(100) = %v, %q, %v", got, message, err)
				}
				if _, message, err := c.divide(1, 0); message != "invalid operation" || err != nil {
					t.Errorf("divide(1, 0): %q, %v", message, err)
				}
				if _, message, err := c.divide(); message == "" || err != nil {
					t.Errorf("divide(): %q, %v", message, err)
				}
			}
		})
	}
}

// TestTextbookServer calls a server that handles one connection after another, and one with a thread for each.
func TestTextbookServer(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(func()){
		"single-threaded":         func(serve func()) { serve() },
		"a thread per connection": func(serve func()) { go serve() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := textbookListen(t, start)
			for range 3 {
				c, err := basic.Dial(t.Context(), rpc.ConnOptions{Dial: func(ctx context.Context) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "tcp", address)
				}})
				if err != nil {
					t.Fatal(err)
				}
				callTextbook(t, divide.NewClient(c))
				c.Close()
			}
		})
	}
}

func callTextbook(t *testing.T, client *divide.Client) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range int32(50) {
				if got, err := client.Divide(t.Context(), 100*i, divide.Num2(100)); got != float32(i) || err != nil {
					t.Errorf("divide(%d, 100) = %v, %v", 100*i, got, err)
				}
				_, err := client.Divide(t.Context(), 1, divide.Num2(0))
				if e, ok := errors.AsType[*divide.InvalidOperation](err); !ok || e.Message != "invalid operation" {
					t.Errorf("divide(1, 0): %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func textbookListen(t *testing.T, start func(serve func())) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			start(func() { serveTextbook(nc) })
		}
	}()
	return l.Addr().String()
}

// TestTextbookSystemError takes the error of a server that knows no codes.
func TestTextbookSystemError(t *testing.T) {
	t.Parallel()
	b := pipelinetest.NewFake(t, protocol, nettest.Memory, rpc.ServerLimits{}, serveTextbook)
	d := pipelinetest.NewDispatcher(t, rpc.ServerLimits{})
	call := pipelinetest.NewCall(t, d, "Echo.ping", []byte("{}"))
	err := b.Dial().Call(t.Context(), call)
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unknown || e.Message != "unknown function" ||
		e.Outcome != rpc.OutcomeAnswered {
		t.Errorf("error is %#v", err)
	}
}
