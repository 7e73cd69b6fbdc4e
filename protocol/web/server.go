package web

import (
	"context"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/protocol/internal/conns"
	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A Server serves HTTP/1.1 connections, and those of HTTP/2, inside TLS or by prior knowledge. It has the goroutines of
// net/http: two from the first ServeConn until Shutdown or Close, and those of the connections.
type Server struct {
	handler *handler
	http1   *httpServer
	http2   *httpServer
	conns   conns.Set[*serverConn] // and the handlers, as work
}

// NewServer returns a server of d's routes. Calls are bodies in one of the formats; the first is that of requests
// without a Content-Type, and of errors that concern no format.
func NewServer(d *rpc.Dispatcher, first pipeline.Format, others ...pipeline.Format) *Server {
	formats := append([]pipeline.Format{first}, others...)
	s := &Server{handler: newHandler(d, formats)}
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
		if c == nil || !s.conns.Begin() {
			panic(http.ErrAbortHandler)
		}
		defer s.conns.End()
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

// ServeConn serves nc, of which head has been read, until it ends, and closes it. The header of the first request has
// to arrive within Limits.FirstByte after the peer connected. A connection that comes once the server shuts down has
// one request, and a moment for it; one that comes after Close has none.
func (s *Server) ServeConn(nc net.Conn, head []byte, peer *rpc.Peer) {
	c := newServerConn(nc, head, peer, s.handler.d.Limits)
	defer c.Cut()
	late, ok := s.conns.Add(c)
	if !ok {
		return
	}
	defer s.conns.Remove(c)
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

// Shutdown lets running calls finish, and those that have begun to arrive or are about to. It cuts what is left when
// ctx ends, and returns ctx's error then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.conns.Drain()
	ctx2, stop := context.WithCancel(ctx)
	var telling sync.WaitGroup
	telling.Go(func() { s.http2.Shutdown(ctx2) }) // which sends GOAWAY, and waits for connections until ctx2 ends
	defer telling.Wait()
	defer stop()
	last := time.AfterFunc(drainGrace, s.cutUnused)
	defer last.Stop()
	if err := s.conns.Shutdown(ctx); err != nil {
		s.cut()
		return err
	}
	s.http1.feed.Close()
	return nil
}

// cutUnused cuts connections on which no handler runs, whatever they wait for.
func (s *Server) cutUnused() {
	for _, c := range s.conns.All() {
		c.cutUnused()
	}
}

// Running returns the methods whose handlers run, each as often as it does.
func (s *Server) Running() []*rpc.Method { return s.handler.d.Running.Methods() }

// Close cuts every connection, which ends the contexts of the handlers, and waits until these have returned.
func (s *Server) Close() error {
	s.cut()
	<-s.conns.Empty()
	return nil
}

func (s *Server) cut() {
	s.conns.Drain()
	s.conns.Close()
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
