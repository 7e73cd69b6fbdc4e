package mux_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// A streamVector is what a caller reads of a stream, and what it makes of it.
type streamVector struct {
	Name   string
	Server hexBytes
	Want   struct {
		Results                        []int32
		Code, Message, Outcome, GoAway string
	}
}

func TestVectorStreamAnswers(t *testing.T) {
	t.Parallel()
	for _, v := range readVectors(t).StreamAnswers {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := net.Pipe()
			defer ours.Close()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				v.answer(raw{t, ours})
			}()
			c, err := mux.Dial(t.Context(), rpc.ConnOptions{
				Dial:   func(context.Context) (net.Conn, error) { return theirs, nil },
				Limits: vectorLimits.Limits,
			})
			if err != nil {
				t.Fatal(err)
			}
			v.check(t, every.NewEchoClient(c))
			if v.Want.GoAway == "" {
				_ = c.Close()
			}
			<-ended
			_ = c.Close()
		})
	}
}

// answer is a server that answers one stream with the vector's bytes, and reads until the caller ends the connection.
func (v streamVector) answer(r raw) {
	r.expect(hello)
	r.read()
	r.send(hello + frame(tSettings, 0, 0, 0, u16(7)+u32(65536)+u16(8)+u32(16<<20)))
	call := r.read()
	for r.read().kind != tEnd {
	}
	r.send(withID(string(v.Server), call.id))
	if v.Want.GoAway != "" {
		r.expectGoAway(v.Want.GoAway)
		r.nc.Close()
		return
	}
	r.readAll()
}

func (v streamVector) check(t *testing.T, c *every.EchoClient) {
	t.Helper()
	var got []int32
	var end error
	for n, err := range c.Ticks(t.Context(), 3) {
		if end = err; err == nil {
			got = append(got, n)
		}
	}
	if !slices.Equal(got, v.Want.Results) {
		t.Errorf("the results are %v, want %v", got, v.Want.Results)
	}
	if v.Want.Code == "" {
		if end != nil {
			t.Errorf("the stream ends with %v", end)
		}
		return
	}
	e, ok := errors.AsType[*rpc.Error](end)
	if !ok || e.Code.String() != v.Want.Code || !strings.HasPrefix(e.Outcome.String(), v.Want.Outcome) ||
		v.Want.Message != "" && e.Message != v.Want.Message {
		t.Errorf("the stream ends with %v (%v), want %+v", end, e, v.Want)
	}
}
