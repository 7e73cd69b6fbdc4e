package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

// A choosing handler answers with its argument, and says what that is compressed with.
type choosing struct {
	every.EchoHandler
	policy compress.Policy
	err    error
}

func (c choosing) Strings(ctx context.Context, value string) (string, error) {
	rpc.CompressAnswer(ctx, c.policy)
	return value, c.err
}

// A handler chooses for its answer, whatever the server's policy is, and a client takes it; Never holds even where the
// client says that it takes nothing else.
func TestHandlerChoosesCoding(t *testing.T) {
	t.Parallel()
	failed := rpc.NewError(rpc.NotFound, strings.Repeat("y", 20_000))
	const only = "gzip, identity;q=0"
	for _, test := range []struct {
		server, handler compress.Policy
		err             error
		accept          string
		status          int
		coded, vary     bool
	}{
		{compress.Auto, compress.Auto, nil, "gzip", 200, true, true},
		{compress.Auto, compress.Never, nil, "gzip", 200, false, true},
		{compress.Always, compress.Never, nil, "gzip", 200, false, true},
		{compress.Auto, compress.Never, failed, "gzip", 404, false, true},
		{compress.Auto, compress.Never, nil, only, 200, false, true},
		{compress.Never, compress.Never, nil, "gzip", 200, false, false},
		{compress.Never, compress.Auto, nil, "gzip", 200, true, true},
		{compress.Never, compress.Always, failed, "gzip", 404, true, true},
		{compress.Never, compress.Always, nil, "", 200, false, false},
		{compress.Never, compress.Always, nil, only, 406, false, false}, // before a handler is asked
	} {
		o := rpc.DispatcherOptions{Compress: withGzip()}
		o.Compress.Policy, o.Compress.Stats = test.server, new(compress.Stats)
		s := serveWith(t, nettest.Memory, o, every.NewEchoService(choosing{policy: test.handler, err: test.err}))
		for _, http2 := range []bool{false, true} {
			response, answer := s.send(t, http2, echoBody(20_000), "Accept-Encoding", test.accept)
			name := fmt.Sprintf("server %v, handler %v, %q, HTTP/2 %t, status %d", test.server, test.handler,
				test.accept, http2, response.StatusCode)
			coded, vary := response.Header.Get("Content-Encoding") == "gzip", response.Header["Vary"] != nil
			if response.StatusCode != test.status || coded != test.coded || vary != test.vary {
				t.Errorf("%s: coded %t, vary %q", name, coded, response.Header["Vary"])
			}
			if coded {
				answer = unzip(t, answer)
			}
			if test.status != 406 && !strings.Contains(answer, "xxxx") && !strings.Contains(answer, "yyyy") {
				t.Errorf("%s: the answer is %.200q", name, answer)
			}
		}
		unwanted := int64(2) // one over each version of HTTP
		if test.coded || test.accept == "" || test.status == 406 {
			unwanted = 0
		}
		if n := sum(o.Compress.Stats, func(m compress.MethodStats) int64 { return m.Unwanted }); n != unwanted {
			t.Errorf("server %v, handler %v, %q: %d answers counted as unwanted, want %d", test.server, test.handler,
				test.accept, n, unwanted)
		}
	}
}

func sum(s *compress.Stats, count func(compress.MethodStats) int64) (n int64) {
	for _, m := range s.Methods() {
		n += count(m)
	}
	return n
}

// A call chooses for its arguments, whatever the channel's policy is.
func TestCallChoosesCoding(t *testing.T) {
	t.Parallel()
	s := serveGzip(t, nettest.Memory, rpc.ServerLimits{})
	for _, test := range []struct {
		channel, call compress.Policy
		coded         bool
	}{
		{compress.Always, compress.Never, false},
		{compress.Always, compress.Auto, false},
		{compress.Auto, compress.Always, true},
		{compress.Never, compress.Always, true},
	} {
		o := withGzip()
		o.Policy, o.Stats = test.channel, new(compress.Stats)
		c := every.NewEchoClient(channel{s.dial(t, rpc.ConnOptions{Compress: o})})
		want := strings.Repeat("y", 100_000)
		if got, err := c.Strings(rpc.WithCompression(t.Context(), test.call), want); got != want || err != nil {
			t.Fatalf("channel %v, call %v: %d bytes, %v", test.channel, test.call, len(got), err)
		}
		sent := sum(o.Stats, func(m compress.MethodStats) int64 { return m.Sent })
		unwanted := sum(o.Stats, func(m compress.MethodStats) int64 { return m.Unwanted })
		if (sent == 1) != test.coded || (unwanted == 1) == test.coded {
			t.Errorf("channel %v, call %v: %+v", test.channel, test.call, o.Stats.Methods())
		}
	}
}
