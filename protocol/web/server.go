package web

import (
	"context"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/internal/basiccall"
	"github.com/yodelrpc/yodel/internal/jsoncall"
	"github.com/yodelrpc/yodel/rpc"
)

// freshGrace is how long connections that have sent no request may take to do so once the server shuts down.
const freshGrace = time.Second

// A Server serves HTTP/1.1 connections, and those of HTTP/2 without TLS by prior knowledge. It has the goroutines of
// net/http: one from the first ServeConn until Shutdown or Close, and those of the connections.
type Server struct {
	handler *handler
	http    *http.Server
	feed    *feed
	serve   func() // starts http on feed, once

	mu       sync.Mutex
	draining bool
	closed   bool
	conns    map[*conn]bool // whether it is fresh: has not sent a whole request
	fresh    int
	heard    chan struct{} // closed when the server is draining and no fresh connection is left
	running  int           // ServeConns and handlers
	idle     chan struct{} // closed when none run; nil while nobody waits for that
}

// NewServer returns a server of d's routes.
func NewServer(d *rpc.Dispatcher) *Server {
	s := &Server{
		handler: &handler{d: d, json: jsoncall.NewServerCodec(d), basic: basiccall.NewServerCodec(d), page: newPage(d)},
		feed:    newFeed(),
		conns:   make(map[*conn]bool),
		heard:   make(chan struct{}),
	}
	s.http = s.newHTTP()
	s.serve = sync.OnceFunc(func() { go s.http.Serve(s.feed) })
	return s
}

func (s *Server) newHTTP() *http.Server {
	d := s.handler.d
	h := &http.Server{
		Handler:           s.noting(http.NewCrossOriginProtection().Handler(s.handler)),
		ReadHeaderTimeout: d.Limits.FirstByte,
		MaxHeaderBytes:    8<<10 + d.Limits.Metadata,
		Protocols:         new(http.Protocols),
		HTTP2:             http2Config(d),
		ErrorLog:          log.New(logWriter{d.Log}, "", 0),
		ConnContext:       withConn,
	}
	h.Protocols.SetHTTP1(true)
	h.Protocols.SetUnencryptedHTTP2(true)
	return h
}

func http2Config(d *rpc.Dispatcher) *http.HTTP2Config {
	c := &http.HTTP2Config{MaxConcurrentStreams: min(d.Limits.Calls, 250), WriteByteTimeout: d.Limits.Stall}
	if d.Serial {
		c.MaxConcurrentStreams = 1
	}
	return c
}

type connKey struct{}

// withConn puts the connection into the contexts of its requests.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, nc)
}

// noting returns h, and notes that a connection has sent a request before it calls h.
func (s *Server) noting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(connKey{}).(*conn)
		if !s.begin(c) {
			return
		}
		defer s.end()
		c.arrived()
		h.ServeHTTP(w, r)
	})
}

// begin counts a handler that is about to run for a request of c, unless the server is closed.
func (s *Server) begin(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running++
	if s.conns[c] {
		s.conns[c] = false
		s.hearLocked()
	}
	return true
}

// end takes back what begin or admit counted.
func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked()
}

func (s *Server) endLocked() {
	s.running--
	if s.running == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// ended returns a channel that is closed when no connection is left and no handler runs.
func (s *Server) ended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	if s.running == 0 {
		close(s.idle)
		s.idle = nil
	}
	return idle
}

// hearLocked says that a connection is no longer fresh.
func (s *Server) hearLocked() {
	s.fresh--
	s.signalHeardLocked()
}

func (s *Server) signalHeardLocked() {
	if s.draining && s.fresh == 0 {
		close(s.heard)
	}
}

// ServeConn serves nc, of which head has been read, until it ends, and closes it. The header of the first request has
// to arrive within Limits.FirstByte after the peer connected. A connection that comes once the server shuts down has one
// request, and a second for it; one that comes after Close has none.
func (s *Server) ServeConn(nc net.Conn, head []byte, peer *rpc.Peer) {
	c := newConn(nc, head, s.handler.d.Limits.Stall)
	defer c.Close()
	c.peer, c.firstBy = peer, peer.FirstBy(s.handler.d.Limits)
	late, ok := s.admit(c)
	if !ok {
		return
	}
	defer s.leave(c)
	if late {
		s.serveLate(c)
		return
	}
	s.serve()
	s.feed.pass(c)
}

// serveLate serves a connection that comes when http takes no more.
func (s *Server) serveLate(c *conn) {
	f, h := newFeed(), s.newHTTP()
	h.SetKeepAlivesEnabled(false)
	var serving sync.WaitGroup
	serving.Go(func() { h.Serve(f) })
	f.pass(c)
	h.Close()
	serving.Wait()
}

// admit takes a connection, unless the server is closed. It is late if the server shuts down.
func (s *Server) admit(c *conn) (late, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, false
	}
	s.running++
	if s.draining {
		c.firstBy = time.Now().Add(freshGrace)
		s.conns[c] = false
		return true, true
	}
	s.conns[c] = true
	s.fresh++
	return false, true
}

func (s *Server) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns[c] {
		s.hearLocked()
	}
	delete(s.conns, c)
	s.endLocked()
}

// Shutdown lets running calls finish, and those that new connections are about to send. It cuts what is left when ctx
// ends, and returns ctx's error then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drain()
	s.http.SetKeepAlivesEnabled(false) // closes idle connections, and the others after their answer
	select {
	case <-s.heard:
	case <-time.After(freshGrace):
	case <-ctx.Done():
	}
	ended := s.ended()
	polling, stopPolling := context.WithCancel(ctx)
	go func() {
		defer stopPolling()
		select {
		case <-ended:
		case <-ctx.Done():
		}
	}()
	s.http.Shutdown(polling)
	<-polling.Done()
	select {
	case <-ended:
		return nil
	default:
		s.cut()
		return ctx.Err()
	}
}

func (s *Server) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.draining = true
		s.signalHeardLocked()
	}
}

// Running returns the methods whose handlers run, each as often as it does.
func (s *Server) Running() []*rpc.Method { return s.handler.d.Running.Methods() }

// Close cuts every connection, which ends the contexts of the handlers, and waits until these have returned.
func (s *Server) Close() error {
	s.cut()
	<-s.ended()
	return nil
}

func (s *Server) cut() {
	s.drain()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.http.Close()
	s.feed.Close() // also where http never served
}

// A feed is the listener of net/http's server. Its connections come from ServeConn.
type feed struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newFeed() *feed { return &feed{conns: make(chan net.Conn), closed: make(chan struct{})} }

// pass has a connection served until it ends, or not at all if the feed is closed.
func (f *feed) pass(c *conn) {
	select {
	case f.conns <- c:
		<-c.closed
	case <-f.closed:
	}
}

func (f *feed) Accept() (net.Conn, error) {
	select {
	case nc := <-f.conns:
		return nc, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

func (f *feed) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

func (f *feed) Addr() net.Addr { return &net.UnixAddr{Name: "yodel", Net: "unix"} }

// logWriter passes the lines of net/http on.
type logWriter struct{ log *rpc.Log }

func (w logWriter) Write(line []byte) (int, error) {
	w.log.Warn(strings.TrimSpace(string(line)), "protocol", protocol)
	return len(line), nil
}
