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

// freshGrace is how long Shutdown waits for the first request of connections that have sent none.
const freshGrace = time.Second

// A Server serves HTTP/1.1 connections, and those of HTTP/2 without TLS by prior knowledge. It has the goroutines of
// net/http: one from the first ServeConn until Shutdown or Close, and those of the connections.
type Server struct {
	handler *handler
	http    *http.Server
	feed    *feed
	serve   func() // starts http on feed, once

	mu     sync.Mutex
	closed bool
	fresh  map[net.Conn]bool // connections that have not sent a whole request
	empty  chan struct{}     // closed when the server is closed and fresh is empty
	conns  sync.WaitGroup
}

// NewServer returns a server of d's routes.
func NewServer(d *rpc.Dispatcher) *Server {
	s := &Server{
		handler: &handler{d: d, json: jsoncall.NewServerCodec(d), basic: basiccall.NewServerCodec(d), page: newPage(d)},
		feed:    &feed{conns: make(chan net.Conn), closed: make(chan struct{})},
		fresh:   make(map[net.Conn]bool),
		empty:   make(chan struct{}),
	}
	s.http = &http.Server{
		Handler:           s.noting(http.NewCrossOriginProtection().Handler(s.handler)),
		ReadHeaderTimeout: d.Limits.FirstByte,
		MaxHeaderBytes:    8<<10 + d.Limits.Metadata,
		Protocols:         new(http.Protocols),
		HTTP2:             http2Config(d),
		ErrorLog:          log.New(logWriter{d.Log}, "", 0),
		ConnContext:       withConn,
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetUnencryptedHTTP2(true)
	s.serve = sync.OnceFunc(func() { go s.http.Serve(s.feed) })
	return s
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
		nc, _ := r.Context().Value(connKey{}).(net.Conn)
		s.notFresh(nc)
		h.ServeHTTP(w, r)
	})
}

func (s *Server) notFresh(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh[nc] {
		delete(s.fresh, nc)
		s.signalEmptyLocked()
	}
}

func (s *Server) signalEmptyLocked() {
	if s.closed && len(s.fresh) == 0 {
		select {
		case <-s.empty:
		default:
			close(s.empty)
		}
	}
}

// ServeConn serves nc, of which head has been read, until it ends, and closes it.
func (s *Server) ServeConn(nc net.Conn, head []byte) {
	c := newConn(nc, head, s.handler.d.Limits.Stall)
	if !s.admit(c) {
		c.Close()
		return
	}
	defer s.conns.Done()
	defer s.notFresh(c)
	s.serve()
	select {
	case s.feed.conns <- c:
		<-c.closed
	case <-s.feed.closed:
		c.Close()
	}
}

func (s *Server) admit(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.fresh[c] = true
	s.conns.Add(1)
	return true
}

func (s *Server) refuseNew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.signalEmptyLocked()
}

// Shutdown lets running calls finish, and those that new connections are about to send. It cuts what is left when ctx
// ends, and returns ctx's error then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.refuseNew()
	s.http.SetKeepAlivesEnabled(false) // closes idle connections, and the others after their answer
	select {
	case <-s.empty:
	case <-time.After(freshGrace):
	case <-ctx.Done():
	}
	polling, stopPolling := context.WithCancel(ctx)
	defer stopPolling()
	go func() {
		s.conns.Wait()
		stopPolling()
	}()
	err := s.http.Shutdown(polling)
	if ctx.Err() != nil && err != nil {
		s.Close()
		return ctx.Err()
	}
	s.conns.Wait()
	return nil
}

// Close cuts every connection and waits until they have ended. It does not wait for handlers, whose contexts end.
func (s *Server) Close() error {
	s.refuseNew()
	err := s.http.Close()
	s.feed.Close() // also where http never served
	s.conns.Wait()
	return err
}

// A feed is the listener of net/http's server. Its connections come from ServeConn.
type feed struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
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
