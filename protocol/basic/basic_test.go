package basic_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel/internal/pipelinetest"
	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var protocol = pipelinetest.Protocol{
	Dial:      func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) { return basic.Dial(ctx, o) },
	NewServer: func(d *rpc.Dispatcher) pipelinetest.Server { return basic.NewServer(d) },
	Request: func() (request, answer []byte) {
		return []byte("\x00\x00\x00\x07strings\x00\x00\x00\x07\x01\x00\x00\x00\x02hi"), []byte("\x01\x00\x00\x00\x02hi")
	},
	TooLong: []byte("\x00\x00\x00\x07strings\x00\x00\x04\x01\x01"),
}

func TestConn(t *testing.T) { pipelinetest.Run(t, protocol) }
