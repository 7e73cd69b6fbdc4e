package basic

import (
	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A Server answers the calls of connections that are given to its ServeConn.
type Server struct{ *pipeline.Server }

// NewServer returns a server for the methods of d.
func NewServer(d *rpc.Dispatcher) *Server {
	codec := newServerCodec(d)
	return &Server{pipeline.NewServer(codec, protocolName, d.Limits, d.Log)}
}

// Check returns why methods of d without streams cannot be called over the protocol, an error for each: a field with a
// number over 255, or more exceptions than it can tell apart.
func Check(d *rpc.Dispatcher) []error { return newServerCodec(d).Problems() }
