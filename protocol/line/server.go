package line

import (
	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A Server answers the calls of connections that are given to its ServeConn.
type Server struct{ *pipeline.Server }

// NewServer returns a server for the methods of d.
func NewServer(d *rpc.Dispatcher) *Server {
	return &Server{pipeline.NewServer(newServerCodec(d), protocolName, d.Limits, d.Log)}
}
