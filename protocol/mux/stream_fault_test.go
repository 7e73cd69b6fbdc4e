package mux_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
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
