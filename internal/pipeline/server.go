package pipeline

import (
	"context"
	"net"
	"sync"

	"github.com/yodelrpc/yodel/rpc"
)

// A Server answers calls on connections of one protocol. It handles the requests of a connection one after another, in
// order. All methods may be called by many goroutines at once.
type Server struct {
	codec    ServerCodec
	protocol string
	limits   rpc.Limits
	log      *rpc.Log

	mu       sync.Mutex
	conns    map[*serverConn]struct{}
	stopping bool
	empty    chan struct{} // closed when stopping and no connections are left
}

// NewServer returns a server of the named protocol. It starts no goroutines.
func NewServer(codec ServerCodec, protocol string, limits rpc.Limits, log *rpc.Log) *Server {
	return &Server{
		codec: codec, protocol: protocol, limits: limits.WithDefaults(), log: log,
		conns: make(map[*serverConn]struct{}), empty: make(chan struct{}),
	}
}

// ServeConn answers the calls on nc, of which head was read already, until the connection ends, and closes nc.
func (s *Server) ServeConn(nc net.Conn, head []byte) {
	defer nc.Close()
	c := newServerConn(s, nc, head)
	if !s.add(c) {
		return
	}
	defer s.remove(c)
	c.serve()
}

func (s *Server) add(c *serverConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *serverConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.stopping && len(s.conns) == 0 {
		close(s.empty)
	}
}

// Shutdown lets every connection answer the requests that have arrived whole, then closes it. At the end of ctx it cuts
// those that are left and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, c := range s.stop() {
		c.drain()
	}
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		s.cut()
		return ctx.Err()
	}
}

// Close cuts all connections, which ends the contexts of their handlers. It does not wait for the handlers.
func (s *Server) Close() error {
	s.stop()
	s.cut()
	return nil
}

// stop refuses new connections and returns those that there are.
func (s *Server) stop() []*serverConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		s.stopping = true
		if len(s.conns) == 0 {
			close(s.empty)
		}
	}
	return s.all()
}

func (s *Server) cut() {
	s.mu.Lock()
	conns := s.all()
	s.mu.Unlock()
	for _, c := range conns {
		c.cut()
	}
}

func (s *Server) all() []*serverConn {
	conns := make([]*serverConn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}
