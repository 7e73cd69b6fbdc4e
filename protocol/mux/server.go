package mux

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A Server answers the calls of any number of connections. Its goroutines are workers, which run handlers and wait for more
// work until Close, and a watchdog, which lives while handlers run on readers.
type Server struct {
	dispatcher *rpc.Dispatcher
	own        settings
	workers    *workers
	watchdog   watchdog
	learned    []learned // by a route's index
	start      time.Time

	mu       sync.Mutex
	conns    map[*serverConn]struct{}
	draining bool
	closed   bool          // draining, and no more connections are taken
	empty    chan struct{} // closed when closed is set and no connection is left
}

// NewServer returns a server for the dispatcher's routes.
func NewServer(d *rpc.Dispatcher) *Server {
	s := &Server{
		dispatcher: d,
		own:        settingsOf(d.Limits),
		workers:    newWorkers(),
		learned:    make([]learned, len(d.Routes())),
		conns:      make(map[*serverConn]struct{}),
		empty:      make(chan struct{}),
		start:      time.Now(),
	}
	return s
}

// ServeConn serves a connection of which head has been read already, and returns when it has ended.
func (s *Server) ServeConn(nc net.Conn, head []byte) {
	limits := s.dispatcher.Limits
	c := &serverConn{
		server: s,
		in:     newInput(nc, limits.Stall, head), out: newOutput(nc, limits.Stall),
	}
	c.queue.serial = s.dispatcher.Serial
	c.peer = rpc.Peer{Protocol: "mux", Addr: nc.RemoteAddr(), Base: context.Background()}
	if !s.add(c) {
		_ = nc.Close()
		return
	}
	defer s.remove(c)
	if err := c.handshake(); err != nil {
		s.dispatcher.Log.Warn("closing a connection that began as mux", "peer", c.peer.Addr, "reason", err)
		c.explain(err)
		_ = nc.Close()
		c.out.drains.Wait()
		return
	}
	c.ready.Store(true)
	if s.isDraining() {
		c.drain()
	}
	c.reading.Add(1)
	c.read()
	c.reading.Wait()
	c.calls.Wait()
	c.out.drains.Wait()
}

// age returns how long there has been a server: a short form of the time.
func (s *Server) age() time.Duration { return time.Since(s.start) }

// add takes a connection, even one that comes while the server drains: its calls are then refused as not started.
func (s *Server) add(c *serverConn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) remove(c *serverConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.closeIfEmptyLocked()
}

func (s *Server) closeIfEmptyLocked() {
	if !s.draining || len(s.conns) > 0 {
		return
	}
	s.closed = true
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// drain makes the server wait for the end of its connections, which it returns. With closed it takes no new ones.
func (s *Server) drain(closed bool) []*serverConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	s.closed = s.closed || closed
	s.closeIfEmptyLocked()
	return slices.Collect(maps.Keys(s.conns))
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// Shutdown tells every client that the server is going away, answers the calls that run, and ends the connections. When
// ctx ends first, what still runs is cut, and ctx's error returned; a handler that does not heed the end of its context is
// left behind.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, c := range s.drain(false) {
		c.drain()
	}
	select {
	case <-s.empty:
		return s.Close()
	case <-ctx.Done():
		go s.Close()
		return ctx.Err()
	}
}

// Close ends every connection and the contexts of the handlers that run, and waits for all of them.
func (s *Server) Close() error {
	for _, c := range s.drain(true) {
		c.die(errors.New("the server was closed"))
	}
	<-s.empty
	s.workers.close()
	s.watchdog.close()
	return nil
}

// handshake reads the client's preface and settings and sends the server's.
func (c *serverConn) handshake() error {
	_ = c.in.nc.SetDeadline(time.Now().Add(c.server.dispatcher.Limits.FirstByte))
	var b [prefaceSize]byte
	if err := readExactly(c.in, b[:]); err != nil {
		return err
	}
	if string(b[:len(Magic)]) != Magic {
		return violation("it begins with % x", b[:len(Magic)])
	}
	if _, err := c.in.nc.Write(c.server.own.hello()); err != nil {
		return err
	}
	if v := b[len(Magic)]; v != version {
		return violation("it speaks version %d, and this server version %d", v, version)
	}
	var head [headerSize]byte
	if err := readExactly(c.in, head[:]); err != nil {
		return err
	}
	h, err := parseHeader(head[:])
	if err == nil && h.kind != frameSettings {
		err = violation("the first frame has type %d and not SETTINGS", h.kind)
	}
	if err != nil {
		return err
	}
	body := make([]byte, h.length)
	if err := readExactly(c.in, body); err != nil {
		return err
	}
	accepts, err := parseSettings(body)
	if err != nil {
		return err
	}
	c.peerMessage, c.peerMetadata = accepts.message, accepts.metadata
	return c.in.nc.SetDeadline(time.Time{})
}

// worthReporting reports whether an error that ended a connection is worth a line in the log.
func worthReporting(err error) bool {
	return err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed)
}
