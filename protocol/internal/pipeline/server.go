package pipeline

import (
	"context"
	"net"

	"github.com/yodelrpc/yodel/protocol/internal/conns"
	"github.com/yodelrpc/yodel/rpc"
)

// A Server answers calls on connections of one protocol. It handles the requests of a connection one after another, in
// order. All methods may be called by many goroutines at once.
type Server struct {
	codec    ServerCodec
	protocol string
	limits   rpc.ServerLimits
	log      *rpc.Log
	conns    conns.Set[*serverConn]
}

// NewServer returns a server of the named protocol. It starts no goroutines.
func NewServer(codec ServerCodec, protocol string, limits rpc.ServerLimits, log *rpc.Log) *Server {
	return &Server{codec: codec, protocol: protocol, limits: limits.WithDefaults(), log: log}
}

// ServeConn answers the calls of peer on nc, of which head was read already, until the connection ends, and closes nc.
// Once the server shuts down it answers only what has arrived; after Close it answers nothing.
func (s *Server) ServeConn(nc net.Conn, head []byte, peer *rpc.Peer) {
	defer nc.Close()
	c := newServerConn(s, nc, head, peer)
	if _, ok := s.conns.Add(c); !ok {
		return
	}
	defer s.conns.Remove(c)
	rpc.Persist(c.serve)
}

// Refusal returns what tells a peer why its connection is not served: an answer to its first request.
func (s *Server) Refusal(_ []byte, reason *rpc.Error) []byte {
	return s.codec.AppendFailure(nil, systemFailure(reason))
}

// Shutdown lets every connection answer the requests that have arrived, then closes it. A request that has arrived in
// part has a second to become whole. At the end of ctx Shutdown cuts the connections that are left and returns ctx's
// error.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.conns.Shutdown(ctx)
	if err != nil {
		s.Close()
	}
	return err
}

// Close cuts all connections, which ends the contexts of their handlers. It does not wait for the handlers.
func (s *Server) Close() error {
	s.conns.Close()
	return nil
}

// Running returns the methods whose handlers run, each as often as it does.
func (s *Server) Running() []*rpc.Method {
	var methods []*rpc.Method
	for _, c := range s.conns.All() {
		if ctx := c.current.Load(); ctx != nil {
			methods = append(methods, rpc.Info(ctx).Method)
		}
	}
	return methods
}
