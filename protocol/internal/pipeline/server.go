package pipeline

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/yodelrpc/yodel/rpc"
)

// A Server answers calls on connections of one protocol. It handles the requests of a connection one after another, in
// order. All methods may be called by many goroutines at once.
type Server struct {
	codec    ServerCodec
	protocol string
	limits   rpc.ServerLimits
	log      *rpc.Log

	mu       sync.Mutex
	conns    map[*serverConn]struct{}
	draining bool          // a connection answers what has arrived, and ends
	closed   bool          // no more connections are taken
	empty    chan struct{} // closed when no connections are left; nil while nobody waits for that
}

// NewServer returns a server of the named protocol. It starts no goroutines.
func NewServer(codec ServerCodec, protocol string, limits rpc.ServerLimits, log *rpc.Log) *Server {
	return &Server{
		codec: codec, protocol: protocol, limits: limits.WithDefaults(), log: log,
		conns: make(map[*serverConn]struct{}),
	}
}

// ServeConn answers the calls of peer on nc, of which head was read already, until the connection ends, and closes nc.
// Once the server shuts down it answers only what has arrived; after Close it answers nothing.
func (s *Server) ServeConn(nc net.Conn, head []byte, peer *rpc.Peer) {
	defer nc.Close()
	c := newServerConn(s, nc, head, peer)
	if !s.add(c) {
		return
	}
	defer s.remove(c)
	rpc.Persist(c.serve)
}

// Refusal returns what tells a peer why its connection is not served: an answer to its first request.
func (s *Server) Refusal(_ []byte, reason *rpc.Error) []byte {
	return s.codec.AppendFailure(nil, systemFailure(reason))
}

func (s *Server) add(c *serverConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	if s.draining {
		c.drain()
	}
	return true
}

func (s *Server) remove(c *serverConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if len(s.conns) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
}

// Shutdown lets every connection answer the requests that have arrived, then closes it. A request that has arrived in
// part has a second to become whole. At the end of ctx Shutdown cuts the connections that are left and returns ctx's
// error.
func (s *Server) Shutdown(ctx context.Context) error {
	empty := s.drain()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		s.Close()
		return ctx.Err()
	}
}

// drain makes all connections end, those to come too. The channel that it returns is closed when none is left.
func (s *Server) drain() (empty <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for c := range s.conns {
		c.drain()
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty = s.empty
	if len(s.conns) == 0 {
		close(s.empty)
		s.empty = nil
	}
	return empty
}

// Close cuts all connections, which ends the contexts of their handlers. It does not wait for the handlers.
func (s *Server) Close() error {
	var cuts sync.WaitGroup // of TLS, which has a word for each peer, they may take seconds
	for _, c := range s.refuse() {
		cuts.Go(c.cut)
	}
	cuts.Wait()
	return nil
}

// Running returns the methods whose handlers run, each as often as it does.
func (s *Server) Running() []*rpc.Method {
	s.mu.Lock()
	defer s.mu.Unlock()
	var methods []*rpc.Method
	for c := range s.conns {
		if ctx := c.current.Load(); ctx != nil {
			methods = append(methods, rpc.Info(ctx).Method)
		}
	}
	return methods
}

// refuse takes no more connections, and returns those that there are.
func (s *Server) refuse() []*serverConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return slices.Collect(maps.Keys(s.conns))
}
