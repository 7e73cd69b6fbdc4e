package line_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel/internal/pipelinetest"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var protocol = pipelinetest.Protocol{
	Dial:      func(ctx context.Context, o rpc.ConnOptions) (rpc.Conn, error) { return line.Dial(ctx, o) },
	NewServer: func(d *rpc.Dispatcher) pipelinetest.Server { return line.NewServer(d) },
	Request: func(value string) (request, answer []byte) {
		return fmt.Appendf(nil, `{"name": "strings", "params": {"value": %q}}`+"\n", value),
			fmt.Appendf(nil, `{"result": %q}`+"\r\n", value)
	},
	TooLong: []byte(`{"name": "strings", "params": {"value": "` + strings.Repeat("x", 1024)),
}

func TestConn(t *testing.T) { pipelinetest.Run(t, protocol) }
