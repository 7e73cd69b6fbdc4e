package mux_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// What tests of streams have beside the flags of other calls.
const (
	fStream     = 0x40
	fRest       = 0x01
	fConnection = 0x01
)

// rawStreams is rawClient for a client that speaks streams.
func rawStreams(t *testing.T, f *fixture) raw {
	t.Helper()
	return rawClientWith(t, f, streamSettings)
}

// scriptedStreams is scripted for a server that speaks streams. The script gets the id of the first call, which
// is that of a stream whose CALL it has read.
func scriptedStreams(t *testing.T, script func(server raw, id uint32)) *mux.Conn {
	t.Helper()
	c := scriptedWith(t, streamSettings, func(server raw) {
		if got := server.read(); got.kind == tCall {
			script(server, got.id)
		}
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// A stream that ends while a large message is under way ends with its reason, as any other.
func TestEndInTheMiddleOfSend(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		end  func(server raw, id uint32)
		want func(err error) bool
	}{
		"with the connection": {func(s raw, _ uint32) { _ = s.nc.Close() }, hasCode(rpc.Unavailable)},
		"with an error": {func(s raw, id uint32) { s.send(frame(tError, 0, 0, id, "\x05")) },
			hasCode(rpc.NotFound)},
		"with an exception": {func(s raw, id uint32) { s.send(frame(tException, 0, 0, id, "")) }, isByZero},
		"well":              {func(s raw, id uint32) { s.send(frame(tResult, 0, 0, id, "")) }, isEOF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := scriptedStreams(t, func(server raw, id uint32) {
				for n := 0; n < 1<<16-12; { // all that there is credit for
					got := server.read()
					if n += len(got.body); got.flags&fRest == 0 {
						n += 12
					}
				}
				tt.end(server, id)
			})
			err := c.Call(t.Context(), rpc.NewStreamCall(&chat.Method, func(ctx context.Context, s rpc.Stream) error {
				if err := s.Send(ctx, &blob{make([]byte, 300_000)}); err != io.EOF {
					t.Errorf("Send gives %v", err)
				}
				return s.Recv(ctx, new(blob))
			}))
			if !tt.want(err) {
				t.Errorf("Recv gives %v", err)
			}
		})
	}
}

func hasCode(code rpc.Code) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*rpc.Error](err)
		return ok && e.Code == code
	}
}

func isByZero(err error) bool {
	_, ok := errors.AsType[*byZero](err)
	return ok
}

func isEOF(err error) bool { return err == io.EOF }

// A stopped handler of a chat reads nothing until its context ends.
func stopped(ctx context.Context, _ *talk) error {
	<-ctx.Done()
	return ctx.Err()
}

// openStream is the CALL of a chat with the given id.
func openStream(id uint32) string {
	return frame(tCall, fName|fStream, 0, id, named("test.Streams/chat"))
}

// item returns an ITEM with n bytes.
func item(id uint32, n int) string { return frame(tItem, 0, 0, id, strings.Repeat("x", n)) }

// firstPiece is an ITEM with the first piece, of 1 byte, of a message with so many.
func firstPiece(id uint32, total int) string { return frame(tItem, fPieces, 0, id, u32(total)+"x") }

// streamFaults are what ends a connection on which the stream with the given id is open, at either side.
var streamFaults = []struct {
	name   string
	frames func(id uint32) string
	reason string
}{
	{"beyond the credit", func(id uint32) string { return item(id, 65_000) + item(id, 525) },
		"65549 bytes on stream"},
	{"a piece beyond the credit", func(id uint32) string {
		return firstPiece(id, 1<<20) + frame(tItem, fRest, 0, id, strings.Repeat("x", 65_520))
	}, "65537 bytes on stream"},
	{"a piece of no message", func(id uint32) string { return frame(tItem, fRest, 0, id, "x") },
		"a piece of 1 bytes on stream"},
	{"an empty piece", func(id uint32) string { return firstPiece(id, 9) + frame(tItem, fRest, 0, id, "") },
		"a piece of 0 bytes with flags 0x01"},
	{"a piece over the total", func(id uint32) string { return firstPiece(id, 2) + frame(tItem, fRest, 0, id, "xx") },
		"a piece of 2 bytes on stream"},
	{"a first piece behind the first", func(id uint32) string {
		return firstPiece(id, 9) + frame(tItem, fRest|fPieces, 0, id, "x")
	}, "a piece of 1 bytes with flags 0x09"},
	{"an empty first piece", func(id uint32) string { return frame(tItem, fPieces, 0, id, u32(9)) },
		"a first piece of 0 bytes"},
	{"a first piece over the total", func(id uint32) string { return frame(tItem, fPieces, 0, id, u32(2)+"xxx") },
		"a first piece of 3 bytes"},
	{"half a total", func(id uint32) string { return frame(tItem, fPieces, 0, id, "xx") }, "a total length"},
	{"a message in the middle of another", func(id uint32) string { return firstPiece(id, 9) + item(id, 1) },
		"where one lacks 8 bytes"},
	{"an unknown flag on ITEM", func(id uint32) string { return frame(tItem, 0x20, 0, id, "") },
		"type 11 has the unknown flags 0x20"},
	{"an unknown flag on CREDIT", func(id uint32) string { return frame(tCredit, 0x02, 0, id, u64(1)) },
		"type 13 has the unknown flags 0x02"},
	{"no credit in a CREDIT", func(id uint32) string { return frame(tCredit, 0, 0, id, "") }, "a credit of 0 bytes"},
	{"a CREDIT of four bytes", func(id uint32) string { return frame(tCredit, 0, 0, id, u32(1)) },
		"a credit of 4 bytes"},
	{"a CREDIT of nine bytes", func(id uint32) string { return frame(tCredit, fConnection, 0, 0, u64(1)+"x") },
		"a credit of 9 bytes"},
	{"a CREDIT of seven bytes for no call", func(id uint32) string { return frame(tCredit, 0, 0, id+5, "1234567") },
		"a credit of 7 bytes"},
}

// Each of these ends the connection, with the reason sent to the client, and the handlers of its streams; a neighbour's
// stream and calls go on.
func TestStreamFaultsOfClients(t *testing.T) {
	t.Parallel()
	f := serve(t, nettest.TCP, rpc.ServerLimits{Limits: rpc.Limits{Streams: 128 << 10}}, streamHandlers{chat: stopped,
		feed: feedNumbered}.service(), handlers{}.service())
	wait := frame(tCall, fName, 1, 2, named("test.Test/wait")+"\x08\x01")
	tests := slices.Clone(streamFaults)
	for name, fault := range map[string][2]string{
		"ITEM of a unary call":  {openStream(1) + wait + item(2, 1), "call 0x00000002, which is no stream"},
		"REST of a unary call":  {openStream(1) + wait + frame(tItem, fRest, 0, 2, "x"), "which is no stream"},
		"END of a unary call":   {openStream(1) + wait + frame(tEnd, 0, 0, 2, ""), "which is no stream"},
		"ITEM without a stream": {item(1, 1), "where there were no streams"},
		"END without a stream":  {frame(tEnd, 0, 0, 1, ""), "where there were no streams"},
		"END twice":             {openStream(1) + strings.Repeat(frame(tEnd, 0, 0, 1, ""), 2), "that has ended"},
		"ITEM behind END":       {openStream(1) + frame(tEnd, 0, 0, 1, "") + item(1, 1), "behind the END"},
		"REST behind END": {openStream(1) + frame(tEnd, 0, 0, 1, "") + frame(tItem, fRest, 0, 1, "x"),
			"no message"},
		"END between pieces": {openStream(1) + firstPiece(1, 9) + frame(tEnd, 0, 0, 1, ""), "in the middle"},
		"a flag on END":      {openStream(1) + frame(tEnd, 1, 0, 1, ""), "type 12 has the unknown flags"},
		"MORE for a stream":  {openStream(1) + frame(tMore, 0, 0, 1, "x"), "no pieces are missing"},
		"a message in the CALL": {frame(tCall, fName|fStream, 0, 1, named("test.Streams/chat")+"x"),
			"of 1 bytes in the CALL"},
		"pieces of a CALL": {frame(tCall, fName|fStream|fPieces, 0, 1, named("test.Streams/chat")+u32(9)),
			"in the CALL"},
		"a second CALL":           {openStream(1) + openStream(1), "a second call in slot 1"},
		"a CREDIT ahead of CALLs": {frame(tCredit, fConnection, 0, 0, "123"), "a credit of 3 bytes"},
		"beyond the connection's credit": {openStream(1) + openStream(2) + openStream(3) + item(1, 65_000) +
			item(2, 65_000) +
			item(3, 1037), "131073 bytes of streams, where there is credit for 131072 on the connection"},
	} {
		tests = append(tests, tests[0])
		tt := &tests[len(tests)-1]
		tt.name, tt.frames, tt.reason = name, func(uint32) string { return fault[0] }, fault[1]
	}
	neighbour := f.conn(t)
	next, stop := iter.Pull2(feed.Call(t.Context(), neighbour, &numbers{1 << 30, 100}))
	t.Cleanup(stop)
	var mu sync.Mutex // of next
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := rawStreams(t, f)
			frames := tt.frames(1)
			if i < len(streamFaults) {
				frames = openStream(1) + frames
			}
			r.send(frames)
			r.checkTold(r.readAll(), tt.reason)
			mu.Lock()
			defer mu.Unlock()
			if b, err, ok := next(); err != nil || !ok || len(b) != 100 {
				t.Errorf("the neighbour's stream gives %d bytes, %v", len(b), err)
			}
			if got, err := callDivide(t.Context(), neighbour, 6, 2); err != nil || got != 3 {
				t.Errorf("the neighbour's divide(6, 2) = %v, %v", got, err)
			}
		})
	}
}

// checkTold checks that a GOAWAY gave the reason.
func (r raw) checkTold(frames []rawFrame, reason string) {
	r.tb.Helper()
	told := func(f rawFrame) bool { return f.kind == tGoAway && strings.Contains(f.body, reason) }
	if !slices.ContainsFunc(frames, told) {
		r.tb.Errorf("the peer sent %+v, and no GOAWAY that says %q", frames, reason)
	}
}

// Each of these ends the connection of a client, with the reason sent to the server, and what waits on its streams.
func TestStreamFaultsOfServers(t *testing.T) {
	t.Parallel()
	tests := append(slices.Clone(streamFaults), []struct {
		name   string
		frames func(id uint32) string
		reason string
	}{
		{"ITEM of no call", func(id uint32) string { return item(id+1, 1) }, "which is not a stream in flight"},
		{"REST of no call", func(id uint32) string { return frame(tItem, fRest, 0, id+1, "x") },
			"which is not a stream in flight"},
		{"ITEM behind the answer", func(id uint32) string { return frame(tResult, 0, 0, id, "") + item(id, 1) },
			"which is not a stream in flight"},
		{"a second answer", func(id uint32) string { return strings.Repeat(frame(tResult, 0, 0, id, ""), 2) },
			"an answer to call"},
		{"END", func(id uint32) string { return frame(tEnd, 0, 0, id, "") }, "type 12"},
	}...)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answered := strings.Contains(tt.name, "answer") // ahead of the fault
			ended := make(chan struct{})
			c := scriptedStreams(t, func(server raw, id uint32) {
				defer close(ended)
				go server.send(tt.frames(id)) // of which the client need not read all
				server.checkTold(server.readAll(), tt.reason)
				_ = server.nc.Close()
			})
			err := c.Call(t.Context(), rpc.NewStreamCall(&chat.Method, func(ctx context.Context, s rpc.Stream) error {
				<-c.Done() // without reading, so that nothing gives credit
				for {
					if err := s.Recv(ctx, new(rawMessage)); err != nil {
						return err
					}
				}
			}))
			<-ended
			if answered && err == io.EOF {
				return
			}
			if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unavailable ||
				e.Outcome != rpc.OutcomeUnknown || !strings.Contains(e.Error(), tt.reason) {
				t.Errorf("the stream ends with %v", err)
			}
		})
	}
}

// A rawMessage takes any bytes.
type rawMessage struct{}

func (rawMessage) Reset()                   {}
func (rawMessage) EncodeWire(*wire.Encoder) {}
func (rawMessage) DecodeWire(*wire.Decoder) {}

// A caller that gives up tells the server once, whichever way it does.
func TestOneCancel(t *testing.T) {
	t.Parallel()
	for name, giveUp := range map[string]func(cancel func()) error{
		"by its context": func(cancel func()) error { cancel(); return context.Canceled },
		"by leaving":     func(func()) error { return nil },
		"by both":        func(cancel func()) error { cancel(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cancels, told, behind := make(chan int, 1), make(chan struct{}), make(chan struct{})
			c := scriptedStreams(t, func(server raw, id uint32) {
				n := 0
				for got := server.read(); got.kind != 0; got = server.read() {
					if got.kind == tItem {
						close(behind)
					}
					if got.kind == tCancel && got.id == id {
						if n++; n == 1 {
							close(told)
						}
					}
				}
				cancels <- n
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_ = c.Call(ctx, rpc.NewStreamCall(&chat.Method, func(context.Context, rpc.Stream) error {
				return giveUp(func() { cancel(); <-told })
			}))
			<-told
			_ = c.Call(t.Context(), rpc.NewStreamCall(&chat.Method, func(ctx context.Context, s rpc.Stream) error {
				defer func() { <-behind }() // what the first one has sent
				return s.Send(ctx, new(blob))
			}))
			_ = c.Close()
			if n := <-cancels; n != 1 {
				t.Errorf("%d CANCELs of the first stream", n)
			}
		})
	}
}
