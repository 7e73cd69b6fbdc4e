package mux_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// Frame types and flags of PROTOCOL.md, written again so that the tests hold the page and not the code.
const (
	tSettings = iota + 1
	tCall
	tResult
	tException
	tError
	tCancel
	tMore
	tPing
	tPong
	tGoAway
	tItem
	tEnd
	tCredit
	tUnknown = 200

	fName     = 0x01
	fDeadline = 0x02
	fMetadata = 0x04
	fPieces   = 0x08
	fRefused  = 0x10
)

const hello = "\xd7YDL\x01\x00\x00\x00"

// frame returns a frame with the given body.
func frame(kind, flags byte, method uint16, id uint32, body string) string {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(body)))
	b = append(b, kind, flags)
	b = binary.LittleEndian.AppendUint16(b, method)
	b = binary.LittleEndian.AppendUint32(b, id)
	return string(b) + body
}

func u16(n int) string    { return string(binary.LittleEndian.AppendUint16(nil, uint16(n))) }
func u32(n int) string    { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }
func u64(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }

func named(name string) string { return u16(len(name)) + name }

// divideBody is a CALL's body that names divide and asks for 6/2.
var divideBody = named("test.Test/divide") + "\x08\x06\x10\x02"

// A rawFrame is a frame as a raw peer reads it.
type rawFrame struct {
	kind, flags byte
	method      uint16
	id          uint32
	body        string
}

// A raw is a peer that sends whatever it likes.
type raw struct {
	tb testing.TB
	nc net.Conn
}

// rawClient connects with a preface and empty settings, and reads the server's.
func rawClient(tb testing.TB, f *fixture) raw {
	tb.Helper()
	return rawClientWith(tb, f, "")
}

// rawClientWith is rawClient with the given settings.
func rawClientWith(tb testing.TB, f *fixture, settings string) raw {
	tb.Helper()
	nc, err := f.dial(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = nc.Close() })
	r := raw{tb, nc}
	r.send(hello + frame(tSettings, 0, 0, 0, settings))
	var b [len(hello)]byte
	if _, err := io.ReadFull(nc, b[:]); err != nil || string(b[:]) != hello {
		tb.Fatalf("the server's preface is % x, %v", b, err)
	}
	if got := r.read(); got.kind != tSettings {
		tb.Fatalf("the server's first frame is %+v", got)
	}
	return r
}

// scripted connects a client to a server that exchanges settings and then does what script says.
func scripted(t *testing.T, script func(server raw)) *mux.Conn {
	t.Helper()
	return scriptedWith(t, "", script)
}

// scriptedWith is scripted for a server with the given settings.
func scriptedWith(t *testing.T, settings string, script func(server raw)) *mux.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	server := raw{t, theirs}
	go func() {
		_, _ = io.ReadFull(theirs, make([]byte, len(hello)))
		_ = server.read() // the client's settings
		server.send(hello + frame(tSettings, 0, 0, 0, settings))
		script(server)
	}()
	c, err := mux.Dial(t.Context(), rpc.ConnOptions{Dial: func(context.Context) (net.Conn, error) { return ours, nil }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (r raw) send(s string) {
	_, _ = r.nc.Write([]byte(s)) // the server may have closed already, which the test sees when it reads
}

// read returns the next frame; kind 0 at the end of the connection.
func (r raw) read() rawFrame {
	r.tb.Helper()
	_ = r.nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	return r.readFrame()
}

// readFrame is read with the deadline that is set.
func (r raw) readFrame() rawFrame {
	r.tb.Helper()
	var b [12]byte
	if _, err := io.ReadFull(r.nc, b[:]); err != nil {
		if err, ok := err.(net.Error); ok && err.Timeout() {
			r.tb.Fatal("the connection neither answered nor ended")
		}
		return rawFrame{}
	}
	body := make([]byte, binary.LittleEndian.Uint32(b[:]))
	_, _ = io.ReadFull(r.nc, body)
	return rawFrame{b[4], b[5], binary.LittleEndian.Uint16(b[6:]), binary.LittleEndian.Uint32(b[8:]), string(body)}
}

// readAll returns all frames up to the end of the connection.
func (r raw) readAll() (frames []rawFrame) {
	for {
		f := r.read()
		if f.kind == 0 {
			return frames
		}
		frames = append(frames, f)
	}
}

// Each of these ends the connection, with the reason sent to the peer, while a neighbour notices nothing.
func TestViolations(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{Limits: rpc.Limits{Calls: 100, Name: 64, Metadata: 100}},
		handlers{}.service())
	neighbour := f.conn(t)
	open := frame(tCall, fName, 0, 1, divideBody)
	tests := []struct{ name, bytes, reason string }{
		{"body too long", u32(1<<16) + "\x02\x00\x00\x00\x00\x00\x00\x00", "longer than 65524"},
		{"length 2^31", "\x00\x00\x00\x80" + "\x02\x00\x00\x00\x00\x00\x00\x00", "longer than"},
		{"length 2^32-1", "\xff\xff\xff\xff" + "\x02\x00\x00\x00\x00\x00\x00\x00", "longer than"},
		{"unknown flag on CALL", frame(tCall, 0x80, 0, 1, ""), "unknown flags 0x80"},
		{"stream flag on CALL", frame(tCall, 0x40|fName, 0, 1, divideBody), "speaks none"},
		{"second SETTINGS", frame(tSettings, 0, 0, 0, ""), "type 1"},
		{"RESULT from a client", frame(tResult, 0, 0, 1, ""), "type 3"},
		{"EXCEPTION from a client", frame(tException, 0, 0, 1, ""), "type 4"},
		{"ERROR from a client", frame(tError, 0, 0, 1, "\x01"), "type 5"},
		{"call without a name", frame(tCall, 0, 7, 1, "\x08\x06"), "number 7, which has no name"},
		{"empty name", frame(tCall, fName, 0, 1, u16(0)), "name of 0 bytes"},
		{"name over the limit", frame(tCall, fName, 0, 1, named(strings.Repeat("x", 65))), "name of 65 bytes"},
		{"name past the end", frame(tCall, fName, 0, 1, u16(60)+"x"), "past the end"},
		{"no name length", frame(tCall, fName, 0, 1, "x"), "past the end"},
		{"two names for a number", open + frame(tCall, fName, 0, 2, named("test.Test/echo")),
			"was \"test.Test/divide\" and is now"},
		{"method number too high", frame(tCall, fName, 5000, 1, divideBody), "method number 5000"},
		{"slot too high", frame(tCall, fName, 0, 100, divideBody), "slot 100, where 100"},
		{"slot taken", frame(tCall, fName, 0, 1, named("test.Test/wait")+"\x08\x01") +
			frame(tCall, 0, 0, 0x10001, "\x08\x01"), "second call in slot 1"},
		{"half a deadline", frame(tCall, fName|fDeadline, 0, 1, named("test.Test/divide")+"1234"),
			"a deadline of 8 bytes"},
		{"metadata over the limit", frame(tCall, fName|fMetadata, 0, 1, named("test.Test/divide")+u32(101)),
			"metadata of 101 bytes"},
		{"metadata past the end", frame(tCall, fName|fMetadata, 0, 1, named("test.Test/divide")+u32(50)),
			"past the end"},
		{"metadata with a bad key", frame(tCall, fName|fMetadata, 0, 1,
			named("test.Test/divide")+u32(9)+u16(3)+"a\r\n"+u32(0)), "metadata key"},
		{"metadata with an upper case key",
			frame(tCall, fName|fMetadata, 0, 1, named("test.Test/divide")+u32(7)+u16(1)+"A"+u32(0)), "metadata key"},
		{"value past the end", frame(tCall, fName|fMetadata, 0, 1,
			named("test.Test/divide")+u32(7)+u16(1)+"a"+"\x00\x00\x00\x80"), "past the end"},
		{"no total", frame(tCall, fName|fPieces, 0, 1, named("test.Test/echo")+"x"), "a total length"},
		{"piece over the total", frame(tCall, fName|fPieces, 0, 1, named("test.Test/echo")+u32(2)+"xxx"),
			"a piece of 3 bytes"},
		{"empty first piece", frame(tCall, fName|fPieces, 0, 1, named("test.Test/echo")+u32(2)), "a piece of 0 bytes"},
		{"empty later piece", frame(tCall, fName|fPieces, 0, 1, named("test.Test/echo")+u32(2)+"x") +
			frame(tMore, 0, 0, 1, ""), "a piece of 0 bytes"},
		{"later piece over the total", frame(tCall, fName|fPieces, 0, 1, named("test.Test/echo")+u32(2)+"x") +
			frame(tMore, 0, 0, 1, "xx"), "a piece of 2 bytes"},
		{"piece for a whole call", frame(tCall, fName, 0, 1, named("test.Test/wait")+"\x08\x01") +
			frame(tMore, 0, 0, 1, "xx"), "no pieces are missing"},
		{"settings that are no pairs", "", ""},
	}
	for _, tt := range tests[:len(tests)-1] {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rawClient(t, f)
			r.send(tt.bytes)
			frames := r.readAll()
			told := func(f rawFrame) bool { return f.kind == tGoAway && strings.Contains(f.body, tt.reason) }
			if !slices.ContainsFunc(frames, told) {
				t.Errorf("the server sent %+v, and no GOAWAY that says %q", frames, tt.reason)
			}
			if got, err := callDivide(t.Context(), neighbour, 6, 2); err != nil || got != 3 {
				t.Errorf("the neighbour's divide(6, 2) = %v, %v", got, err)
			}
		})
	}
}

// Each of these is answered, and the connection lives on.
func TestAnsweredFaults(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{Limits: rpc.Limits{Message: 1000}}, handlers{}.service())
	tests := []struct {
		name, bytes string
		flags       byte
		body        string
	}{
		{"unknown method", frame(tCall, fName, 1, 5, named("test.Test/divid")), fRefused,
			"\x0cunknown method \"test.Test/divid\"; this server has divide"},
		{"slash doubled", frame(tCall, fName, 1, 5, named("test.Test//divide")), fRefused, "\x0cunknown method"},
		{"other case", frame(tCall, fName, 1, 5, named("test.Test/Divide")), fRefused, "\x0cunknown method"},
		{"NUL at the end", frame(tCall, fName, 1, 5, named("test.Test/divide\x00")), fRefused, "\x0cunknown method"},
		{"slash at the end", frame(tCall, fName, 1, 5, named("test.Test/divide/")), fRefused, "\x0cunknown method"},
		{"arguments cut short", frame(tCall, fName, 1, 5, named("test.Test/divide")+"\x08"), 0, "\x03"},
		{"arguments over the limit", frame(tCall, fName, 1, 5, named("test.Test/echo")+strings.Repeat("x", 1001)),
			fRefused, "\x08the arguments have 1001 bytes"},
		{"total over the limit", frame(tCall, fName|fPieces, 1, 5, named("test.Test/echo")+u32(1<<31-1)+"x") +
			frame(tMore, 0, 0, 5, "ignored"), fRefused, "\x08the arguments have 2147483647 bytes"},
		{"cancelled between pieces", frame(tCall, fName|fPieces, 1, 5, named("test.Test/echo")+u32(900)+"x") +
			frame(tCancel, 0, 0, 5, ""), fRefused, "\x01the caller gave up"},
		{"panic", frame(tCall, fName, 1, 5, named("test.Test/blow")+"\x08\x01"), 0, "\x0dthe handler panicked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rawClient(t, f)
			r.send(tt.bytes)
			got := r.read()
			if got.kind != tError || got.id != 5 || got.flags != tt.flags || !strings.HasPrefix(got.body, tt.body) {
				t.Errorf("the answer is %+v, want an ERROR with flags %#x and %q", got, tt.flags, tt.body)
			}
			r.send(frame(tUnknown, 0xff, 9, 9, "skipped") + frame(tCancel, 0, 0, 77, "") +
				frame(tMore, 0, 0, 78, "late"))
			r.send(frame(tCall, fName, 0, 1, divideBody))
			if got := r.read(); got.kind != tResult || got.id != 1 || got.body != "\x0d\x00\x00\x40\x40" {
				t.Errorf("afterwards divide(6, 2) is %+v", got)
			}
		})
	}
}

func TestTruncatedEverywhere(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, handlers{}.service())
	neighbour := f.conn(t)
	whole := hello + frame(tSettings, 0, 0, 0, u16(1)+u32(5000)) +
		frame(tCall, fName|fDeadline|fMetadata, 0, 1,
			named("test.Test/divide")+u64(1e9)+u32(8)+u16(1)+"k"+u32(1)+"v"+"\x08\x06\x10\x02")
	for n := range len(whole) {
		nc, err := f.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = nc.Write([]byte(whole[:n]))
		_ = nc.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, nc)
		_ = nc.Close()
	}
	if got, err := callDivide(t.Context(), neighbour, 6, 2); err != nil || got != 3 {
		t.Errorf("the neighbour's divide(6, 2) = %v, %v", got, err)
	}
}

// A call that comes without time left does not run, on a reader either.
func TestCallWithoutTimeLeft(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{}, handlers{}.service())
	c := f.conn(t)
	for range 5000 { // until the method runs on the reader
		if _, err := callDivide(t.Context(), c, 6, 2); err != nil {
			t.Fatal(err)
		}
	}
	r := rawClient(t, f)
	r.send(frame(tCall, fName|fDeadline, 0, 1, named("test.Test/divide")+u64(0)+"\x08\x06\x10\x02"))
	if got := r.read(); got.kind != tError || got.flags&fRefused == 0 || got.body[0] != byte(rpc.DeadlineExceeded) {
		t.Errorf("it is answered with %+v; want deadline_exceeded, not started", got)
	}
}

func TestDeclaredLengthsCostNothing(t *testing.T) {
	f := serve(t, nettest.TCP, rpc.ServerLimits{Limits: rpc.Limits{Message: 1 << 30}}, handlers{}.service())
	r := rawClient(t, f)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r.send(frame(tCall, fName|fPieces, 0, 1, named("test.Test/echo")+u32(1<<30)+"x"))
	r.send(frame(tPing, 0, 0, 0, "12345678"))
	if got := r.read(); got.kind != tPong || got.body != "12345678" {
		t.Fatalf("PING is answered with %+v", got)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("a declared GiB of which one byte came takes %d bytes", n)
	}
}

// A flood of PINGs by a peer that never reads ends with its connection.
func TestPingFlood(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{Limits: rpc.Limits{Stall: 5 * time.Second}}, handlers{}.service())
	r := rawClient(t, f)
	pings := strings.Repeat(frame(tPing, 0, 0, 0, "12345678"), 1000)
	_ = r.nc.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for range 10_000 {
		if _, err := r.nc.Write([]byte(pings)); err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Error("the server neither read nor closed")
			}
			return
		}
	}
	t.Error("ten million PINGs were taken")
}
