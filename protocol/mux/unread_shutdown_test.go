package mux_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// Calls that cannot begin because the client does not read do not hold Shutdown for longer than a second. Where the
// client reads on in time they are answered, or refused as not started.
func TestShutdownOfUnreadAnswers(t *testing.T) {
	t.Parallel()
	const calls, never = 20, time.Hour
	for _, test := range []struct {
		name    string
		readsIn time.Duration
		refused bool
	}{{"never", never, false}, {"soon", 600 * time.Millisecond, false}, {"late", 900 * time.Millisecond, true}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				nc, s := pipeServerAnd(t, rpc.ServerLimits{Answers: 2000}, handlers{}, new(rpc.Peer))
				r := raw{t, nc}
				go func() {
					r.send(hello + frame(tSettings, 0, 0, 0, ""))
					for slot := range calls {
						r.send(frame(tCall, fName, 0, uint32(slot),
							named("test.Test/echo")+"\x0a"+varint(500)+strings.Repeat("x", 500)))
					}
				}()
				_, _ = io.ReadFull(nc, make([]byte, len(hello)))
				if got := r.read(); got.kind != tSettings {
					t.Fatalf("the server's first frame is %+v", got)
				}
				synctest.Wait()
				ended := make(chan struct{})
				results, refusals := 0, 0
				time.AfterFunc(test.readsIn, func() {
					defer close(ended)
					defer nc.Close()
					for _ = nc.SetReadDeadline(time.Now().Add(never)); ; {
						switch got := r.readFrame(); {
						case got.kind == tResult:
							results++
						case got.kind == tError && got.flags == fRefused && got.body[0] == byte(rpc.Unavailable):
							refusals++
						case got.kind == tPing:
							r.send(frame(tPong, 0, 0, 0, got.body))
						case got.kind == 0:
							return
						}
					}
				})
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if err := s.Shutdown(ctx); err != nil || time.Since(start) > time.Second {
					t.Errorf("Shutdown returned %v after %v", err, time.Since(start))
				}
				if test.readsIn == never {
					return
				}
				<-ended
				if results+refusals != calls || (refusals > 0) != test.refused {
					t.Errorf("of %d calls %d were answered and %d refused", calls, results, refusals)
				}
			})
		})
	}
}
