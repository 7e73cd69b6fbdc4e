package mux_test

import (
	"context"
	"encoding/hex"
	"io"
	"iter"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A said is what one side says in the exchange on the page.
type said struct {
	side  string
	bytes string
}

// exchange returns what the section of PROTOCOL.md with the given heading shows.
func exchange(t *testing.T, heading string) (all []said) {
	page, err := os.ReadFile("PROTOCOL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), heading)
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, _ = strings.Cut(section, "\nSo far ")
	line := regexp.MustCompile(`(?m)^    (caller|server|      )  (.{9})  ((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  .*)?$`)
	for _, m := range line.FindAllStringSubmatch(section, -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(m[3], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 || m[1] != "      " && m[1] != all[len(all)-1].side {
			all = append(all, said{side: m[1]})
		}
		all[len(all)-1].bytes += string(b)
	}
	return all
}

var pageDivide = rpc.NewUnary[numbers, quotient](rpc.Method{Service: "divide.Divide", Name: "divide", Own: true})

// A server says what the page says, byte for byte.
func TestPageServer(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, rpc.NewService("divide.Divide",
		pageDivide.Handle(func(_ context.Context, in *numbers, out *quotient) error {
			out.Result = float32(in.A) / float32(in.B)
			return nil
		})))
	nc, err := f.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	all := exchange(t, "## 10. An exchange")
	if len(all) != 6 {
		t.Fatalf("the page shows %d turns: %q", len(all), all)
	}
	for _, s := range all {
		if s.side == "caller" {
			_, _ = io.WriteString(nc, s.bytes)
			continue
		}
		got := make([]byte, len(s.bytes))
		if _, err := io.ReadFull(nc, got); err != nil || string(got) != s.bytes {
			t.Errorf("the server says % x, %v; the page says % x", got, err, s.bytes)
		}
	}
}

// A client understands the server of the page, and says the same calls, but for the settings.
func TestPageClient(t *testing.T) {
	t.Parallel()
	all := exchange(t, "## 10. An exchange")
	ours, theirs := net.Pipe()
	said := make(chan string, 2)
	go func() {
		_, _ = io.ReadFull(theirs, make([]byte, len(all[1].bytes))) // settings of its own, of the same length
		for i := 1; i < len(all); i += 2 {
			_, _ = io.WriteString(theirs, all[i].bytes)
			if i+1 < len(all) {
				b := make([]byte, len(all[i+1].bytes))
				_, _ = io.ReadFull(theirs, b)
				said <- string(b)
			}
		}
		_ = readToEnd(theirs)
	}()
	c := dialOver(t, ours)
	for i, tt := range []struct {
		a, b int32
		want float32
	}{{200, 100, 2}, {7, 2, 3.5}} {
		got, err := callNumbers(t.Context(), c, pageDivide, tt.a, tt.b)
		if err != nil || got != tt.want {
			t.Errorf("divide(%d, %d) = %v, %v", tt.a, tt.b, got, err)
		}
		if s := <-said; s != all[2*i+2].bytes {
			t.Errorf("the client says % x; the page says % x", s, all[2*i+2].bytes)
		}
	}
}

// An element is the message of a stream of numbers.
type element struct {
	V int32 `yodel:"1,v"`
}

func (m *element) Reset() { *m = element{} }
func (m *element) EncodeWire(e *wire.Encoder) {
	if m.V != 0 {
		e.PutInt32(1, m.V)
	}
}
func (m *element) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		d.Int32(1, &m.V)
	}
}

func (m *element) value() *int32 { return &m.V }

var (
	pageCount = rpc.NewServerStreaming[element, element](rpc.Method{
		Service: "demo.Demo", Name: "count", ServerStream: true,
	}, (*element).value)
	pageSum = rpc.NewClientStreaming[element, element](rpc.Method{
		Service: "demo.Demo", Name: "sum", ClientStream: true,
	}, (*element).value)
	pageTwice = rpc.NewBidiStreaming[element, element](rpc.Method{
		Service: "demo.Demo", Name: "twice", ClientStream: true, ServerStream: true,
	}, (*element).value, (*element).value)
)

func pageStreams() *rpc.Service {
	return rpc.NewService("demo.Demo",
		pageCount.Handle(func(_ context.Context, in *element) iter.Seq2[int32, error] {
			return func(yield func(int32, error) bool) {
				for i := int32(1); i <= in.V && yield(i, nil); i++ {
				}
			}
		}),
		pageSum.Handle(func(_ context.Context, _ *element, nums iter.Seq2[int32, error], out *element) error {
			for n, err := range nums {
				if err != nil {
					return err
				}
				out.V += n
			}
			return nil
		}),
		pageTwice.Handle(func(ctx context.Context, _ *element, stream *rpc.BidiStream[int32, int32]) error {
			for n, err := range stream.All() {
				if err == nil {
					err = stream.Send(ctx, 2*n)
				}
				if err != nil {
					return err
				}
			}
			return nil
		}))
}

// streamSettings are those of a side that speaks streams.
const streamSettings = "\x07\x00\x00\x00\x01\x00" + "\x08\x00\x00\x00\x00\x01"

// A server says in streams what the page says, byte for byte.
func TestPageStreams(t *testing.T) {
	t.Parallel()
	nc, err := serve(t, nettest.TCP, rpc.ServerLimits{}, pageStreams()).dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, exchange(t, "## 10. An exchange")[0].bytes[:8])
	_, _ = io.WriteString(nc, frame(tSettings, 0, 0, 0, streamSettings))
	_, _ = io.ReadFull(nc, make([]byte, len(exchange(t, "## 10. An exchange")[1].bytes)))
	all := exchange(t, "## 8. Streams")
	if len(all) != 10 {
		t.Fatalf("the page shows %d turns: %q", len(all), all)
	}
	for _, s := range all {
		if s.side == "caller" {
			_, _ = io.WriteString(nc, s.bytes)
			continue
		}
		got := make([]byte, len(s.bytes))
		if _, err := io.ReadFull(nc, got); err != nil || string(got) != s.bytes {
			t.Errorf("the server says % x, %v; the page says % x", got, err, s.bytes)
		}
	}
}
