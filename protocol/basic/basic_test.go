package basic_test

import (
	"context"
	"encoding/binary"
	"testing"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var protocol = pipelinetest.Protocol{
	Dial:      func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) { return basic.Dial(ctx, o) },
	NewServer: func(d *rpc.Dispatcher) pipelinetest.Server { return basic.NewServer(d) },
	Request: func(value string) ([]byte, []byte) {
		text := append(binary.BigEndian.AppendUint32(nil, uint32(len(value))), value...)
		return request("Echo.strings", append([]byte{1}, text...)), append([]byte{1}, text...)
	},
}

func TestConn(t *testing.T) { pipelinetest.Run(t, protocol) }
