package web

import (
	"context"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A Server serves HTTP/1.1 connections, and those of HTTP/2, inside TLS or by prior knowledge. It has the goroutines of
// net/http: two from the first ServeConn until Shutdown or Close, and those of the connections.
type Server struct {
	handler *handler
	http1   *httpServer
	http2   *httpServer

	mu      sync.Mutex
	drainBy time.Time // when what has begun has to be there; zero until the server shuts down
	closed  bool
	conns   map[*serverConn]bool
	running int           // ServeConns and handlers
	idle    chan struct{} // closed when none run; nil while nobody waits for that
}

// NewServer returns a server of d's routes. Calls are bodies in one of the formats, of which there is at least one; the
// first is that of requests without a Content-Type, and of errors that concern no format.
func NewServer(d *rpc.Dispatcher, formats ...pipeline.Format) *Server {
	s := &Server{handler: newHandler(d, formats), conns: make(map[*serverConn]bool)}
	s.http1, s.http2 = s.newHTTP(false), s.newHTTP(true)
	return s
}

// HandleHTTP has h answer the requests that are no calls. It is called once, before the first ServeConn.
func (s *Server) HandleHTTP(h http.Handler) { s.handler.other = h }

// An httpServer is one of net/http's, for connections of one version. What ends it gracefully differs:
// [http.Server.Shutdown] tells clients of HTTP/2 that it goes away, and which requests it took; but of HTTP/1 it closes
// connections that it believes to be idle and on which a request may have been read.
type httpServer struct {
	http.Server
	feed  *feed
	serve func() // starts it, once
}

func (s *Server) newHTTP(http2 bool) *httpServer {
	d := s.handler.d
	h := &httpServer{feed: newFeed()}
	h.Handler = s.noting(s.handler)
	h.ReadHeaderTimeout = d.Limits.FirstByte
	h.MaxHeaderBytes = 8<<10 + d.Limits.Metadata
	h.HTTP2 = http2Config(d)
	h.ErrorLog = log.New(logWriter{d.Log}, "", 0)
	h.ConnContext = withConn
	h.Protocols = new(http.Protocols)
	if http2 {
		h.Protocols.SetUnencryptedHTTP2(true)
	} else {
		h.Protocols.SetHTTP1(true)
		h.ConnState = noteState
	}
	h.serve = sync.OnceFunc(func() { go h.Serve(h.feed) })
	return h
}

func http2Config(d *rpc.Dispatcher) *http.HTTP2Config {
	c := &http.HTTP2Config{
		MaxConcurrentStreams:          min(d.Limits.Calls, 250),
		MaxReadFrameSize:              16 << 10, // as much memory does a frame get whose length is there
		MaxReceiveBufferPerStream:     streamWindow,
		MaxReceiveBufferPerConnection: connWindow,
	}
	if d.Serial {
		c.MaxConcurrentStreams = 1
	}
	return c
}

type connKey struct{}

// withConn puts the connection into the contexts of its requests.
func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, nc.(netHTTPConn).inner())
}

// noteState tells a connection of HTTP/1 that its request has been answered, or that a handler has taken it over.
func noteState(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateIdle:
		nc.(netHTTPConn).inner().answered()
	case http.StateHijacked:
		nc.(netHTTPConn).inner().setHijacked()
	}
}

type requestKey struct{}

// noting returns h, with a request in the context. The request is counted until h returns.
func (s *Server) noting(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(connKey{}).(*serverConn)
		if c == nil || !s.begin() {
			panic(http.ErrAbortHandler)
		}
		defer s.end()
		if r.TLS == nil {
			r.TLS = c.peer.TLS // over HTTP/2, of which net/http sees the inside of TLS alone
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		x := newRequest(c, w, r)
		x.cancel = cancel
		c.begin(x)
		defer x.end()
		if c.draining() || len(r.TransferEncoding) > 0 && c.hadLength() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(ctx, requestKey{}, x)))
	})
}

// begin counts a handler that is about to run, unless the server is closed.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running++
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

// ServeConn serves nc, of which head has been read, until it ends, and closes it. The header of the first request has
// to arrive within Limits.FirstByte after the peer connected. A connection that comes once the server shuts down has
// one request, and a moment for it; one that comes after Close has none.
func (s *Server) ServeConn(nc net.Conn, head []byte, peer *rpc.Peer) {
	c := newServerConn(nc, head, peer, s.handler.d.Limits)
	defer c.cut()
	late, ok := s.admit(c)
	if !ok {
		return
	}
	defer s.leave(c)
	if !c.detect() {
		return
	}
	h := s.http1
	if c.http2 {
		h = s.http2
	}
	if !late {
		h.serve()
		late = !h.feed.pass(c)
	}
	if late {
		s.serveLate(c)
	}
}

// serveLate serves a connection that comes when the others' servers take no more.
func (s *Server) serveLate(c *serverConn) {
	h := s.newHTTP(c.http2)
	var serving sync.WaitGroup
	serving.Go(func() { h.Serve(h.feed) })
	h.feed.pass(c)
	h.Close()
	serving.Wait()
}

// admit takes a connection, unless the server is closed. It is late if the server shuts down.
func (s *Server) admit(c *serverConn) (late, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false, false
	}
	s.running++
	s.conns[c] = true
	if late = !s.drainBy.IsZero(); late {
		c.drain(time.Now().Add(begunGrace))
	}
	return late, true
}

func (s *Server) leave(c *serverConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.endLocked()
}

// Shutdown lets running calls finish, and those that have begun to arrive or are about to. It cuts what is left when
// ctx ends, and returns ctx's error then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.drain()
	ctx2, stop := context.WithCancel(ctx)
	var telling sync.WaitGroup
	telling.Go(func() { s.http2.Shutdown(ctx2) }) // which sends GOAWAY, and waits for connections until ctx2 ends
	defer telling.Wait()
	defer stop()
	last := time.AfterFunc(drainGrace, s.cutUnused)
	defer last.Stop()
	ended := s.ended()
	select {
	case <-ended:
		s.http1.feed.Close()
		return nil
	case <-ctx.Done():
		s.cut()
		return ctx.Err()
	}
}

// drain tells all connections that the server shuts down, once.
func (s *Server) drain() {
	s.mu.Lock()
	begins := s.drainBy.IsZero()
	if begins {
		s.drainBy = time.Now().Add(begunGrace)
	}
	s.mu.Unlock()
	if begins {
		for _, c := range s.all() {
			c.drain(s.drainBy)
		}
	}
}

func (s *Server) all() []*serverConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*serverConn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	return all
}

// cutUnused cuts connections on which no handler runs, whatever they wait for.
func (s *Server) cutUnused() {
	for _, c := range s.all() {
		c.cutUnused()
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
	s.mu.Unlock()
	for _, c := range s.all() {
		c.cut()
	}
	for _, h := range []*httpServer{s.http1, s.http2} {
		h.Close()
		h.feed.Close() // also where it never served
	}
}

// A feed is the listener of net/http's server. Its connections come from ServeConn.
type feed struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newFeed() *feed { return &feed{conns: make(chan net.Conn), closed: make(chan struct{})} }

// pass has a connection served until it ends, or returns false if the feed is closed.
func (f *feed) pass(c *serverConn) bool {
	select {
	case f.conns <- c.forNetHTTP():
		<-c.closed
		return true
	case <-f.closed:
		return false
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
