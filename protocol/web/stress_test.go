package web_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/protocol/web"
	"github.com/yodelrpc/yodel/rpc"
)

func TestServersThatEndAtRandom(t *testing.T) {
	pipelinetest.Stress(t, pipelinetest.Protocol{
		Dial: func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) {
			return web.Dial(ctx, o, line.Format())
		},
		NewServer: func(d *rpc.Dispatcher) pipelinetest.Server {
			return web.NewServer(d, line.Format(), basic.Format())
		},
		Request: func(value string) (request, answer []byte) {
			body := fmt.Sprintf(`{"name": "Echo.strings", "params": {"value": %q}}`, value)
			return fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body), nil
		},
	})
}
