package rpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServerContextEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		end  func(*rpc.ServerContext)
		want error
	}{
		{"canceled", func(c *rpc.ServerContext) { c.Cancel(context.Canceled) }, context.Canceled},
		{"deadline", func(*rpc.ServerContext) { time.Sleep(time.Second) }, context.DeadlineExceeded},
		{"answered", func(c *rpc.ServerContext) { c.End() }, context.Canceled},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			c := rpc.NewServerContext(context.Background(), rpc.CallInfo{}, time.Now().Add(time.Second))
			derived, cancel := context.WithCancel(c)
			defer cancel()
			var after error
			context.AfterFunc(c, func() { after = c.Err() })
			stop := context.AfterFunc(c, func() { t.Errorf("%s: a stopped function ran", tt.name) })
			if !stop() || c.Err() != nil {
				t.Errorf("%s: it has ended before its end: %v", tt.name, c.Err())
			}
			tt.end(c)
			synctest.Wait()
			<-c.Done()
			<-derived.Done()
			if !errors.Is(c.Err(), tt.want) || !errors.Is(after, tt.want) || !errors.Is(derived.Err(), tt.want) {
				t.Errorf("%s: %v, %v, %v; want %v", tt.name, c.Err(), after, derived.Err(), tt.want)
			}
		})
	}
}

func TestInfoAllocatesNothing(t *testing.T) {
	c := rpc.NewServerContext(context.Background(), rpc.CallInfo{Peer: new(rpc.Peer)}, time.Time{})
	if n := testing.AllocsPerRun(100, func() { _ = rpc.Info(c) }); n != 0 {
		t.Errorf("Info allocates %v times", n)
	}
}

// A peer belongs to its connection, whose calls share it.
func TestServerContextSharesThePeer(t *testing.T) {
	t.Parallel()
	peer := &rpc.Peer{Protocol: "basic", TLS: &tls.ConnectionState{ServerName: "a"}}
	var part rpc.ServerContext
	part.Begin(peer, nil, nil, time.Time{})
	for _, c := range []context.Context{&part,
		rpc.NewServerContext(context.Background(), rpc.CallInfo{Peer: peer}, time.Time{})} {
		if got := rpc.Info(c).Peer; got != peer || c.Value(key{}) != nil {
			t.Errorf("the call has the peer %p, want that of the connection, %p", got, peer)
		}
	}
	inner := rpc.NewServerContext(t.Context(), rpc.CallInfo{Peer: peer}, time.Time{})
	if info := rpc.Info(inner); info.TLS != peer.TLS || info.Protocol != "basic" {
		t.Errorf("with a parent Info gives %+v", info.Peer)
	}
}

type key struct{}

func TestServerContextTells(t *testing.T) {
	t.Parallel()
	m := &rpc.Method{Service: "test.Test", Name: "tell"}
	base := context.WithValue(context.Background(), key{}, 7)
	c := rpc.NewServerContext(base,
		rpc.CallInfo{Peer: &rpc.Peer{Protocol: "mux"}, Method: m, Metadata: rpc.Metadata{"k": {"v"}}}, time.Time{})
	ctx, cancel := context.WithCancel(c) // what a handler passes on
	defer cancel()
	if info := rpc.Info(ctx); info == nil || info.Method != m || info.Protocol != "mux" {
		t.Errorf("Info gives %+v", info)
	}
	if rpc.IncomingMetadata(ctx).Get("K") != "v" || ctx.Value(key{}) != 7 {
		t.Error("metadata or values are lost")
	}
	rpc.AddAnswerMetadata(ctx, "Cost", "3")
	if md := c.End(); md.Get("cost") != "3" {
		t.Errorf("the answer's metadata is %v", md)
	}
	if rpc.Info(base) != nil || rpc.IncomingMetadata(base) != nil {
		t.Error("a context outside a handler tells of a call")
	}
	rpc.AddAnswerMetadata(base, "k", "v") // does nothing
}

func TestWithTimeout(t *testing.T) {
	t.Parallel()
	ctx := rpc.WithTimeout(t.Context(), time.Hour)
	deadline, ok := ctx.Deadline()
	if left := time.Until(deadline); !ok || left > time.Hour || left < time.Hour-time.Minute {
		t.Errorf("the deadline is in %v", left)
	}
	if longer, _ := rpc.WithTimeout(ctx, 2*time.Hour).Deadline(); !longer.Equal(deadline) {
		t.Error("a longer timeout moved the deadline")
	}
	call := rpc.Call{Deadline: time.Now()}
	if _, got := call.Bound(ctx); !got.Equal(call.Deadline) {
		t.Errorf("the earlier deadline is the call's, not %v", got)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	ctx := rpc.WithMetadata(t.Context(), "A", "1")
	inner := rpc.WithMetadata(ctx, "a", "2", "b", "3")
	if md := rpc.OutgoingMetadata(inner); len(md["a"]) != 2 || md.Get("B") != "3" || md.Size() != 6 {
		t.Errorf("metadata is %v, of size %d", md, md.Size())
	}
	if md := rpc.OutgoingMetadata(ctx); len(md["a"]) != 1 {
		t.Errorf("the outer context's metadata became %v", md)
	}
}
