package mux_test

import (
	"context"
	"net"
	"testing"

	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// TestTextsOfAnswersThatCannotBeRead shows what people read.
func TestTextsOfAnswersThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer string
		limits rpc.ServerLimits
		want   string
	}{
		"undeclared exception": {
			frame(tException, 0, 1, 0, ""), rpc.ServerLimits{},
			"test.Test/divide: internal: the answer cannot be decoded: it is exception number 2 of divide, and the " +
				"definition here declares 1; " +
				"generate the code of this side anew",
		},
		"too large": {
			frame(tResult, fPieces, 0, 0, u32(101)+"x") + frame(tMore, 0, 0, 0, string(make([]byte, 100))),
			rpc.ServerLimits{Limits: rpc.Limits{Message: 100}},
			"test.Test/divide: resource_exhausted: the answer has 101 bytes, over the limit of 100; raise " +
				"Limits.Message on both sides, or send " +
				"less at a time",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := net.Pipe()
			server := raw{t, theirs}
			go func() {
				_, _ = theirs.Read(make([]byte, len(hello)))
				_ = server.read()
				server.send(hello + frame(tSettings, 0, 0, 0, ""))
				_ = server.read()
				server.send(tt.answer)
			}()
			c, err := mux.Dial(t.Context(), rpc.ConnOptions{
				Limits: tt.limits.Limits, Dial: func(context.Context) (net.Conn, error) { return ours, nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := callDivide(t.Context(), c, 6, 2); err == nil || err.Error() != tt.want {
				t.Errorf("error is\n%v, want\n%s", err, tt.want)
			}
		})
	}
}
