package mux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"reflect"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/protocol/internal/conns"
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/packing"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
)

// A Server answers the calls of any number of connections. Its goroutines are workers, which run handlers and wait for
// more work until Close, and a watchdog, which lives while handlers run on readers.
type Server struct {
	dispatcher *rpc.Dispatcher
	workers    *workers
	watchdog   watchdog
	learned    []learned // by a route's index
	start      time.Time

	conns conns.Set[*serverConn]

	mu        sync.Mutex
	abandoned map[*serverConn][]*serverCall // those that ran when the last reader of their connection had ended

	own frame.Settings // only read; here, where nothing that is written is near
}

// NewServer returns a server for the dispatcher's routes.
func NewServer(d *rpc.Dispatcher) *Server {
	s := &Server{
		dispatcher: d,
		own:        frame.SettingsOf(d.Limits.Limits),
		workers:    newWorkers(),
		learned:    make([]learned, len(d.Routes())),
		abandoned:  make(map[*serverConn][]*serverCall),
		start:      time.Now(),
	}
	s.own.Codecs = packing.Names(&d.Compress)
	for _, r := range d.Routes() {
		if r.Unary() {
			call := r.NewCall()
			s.learned[r.Index].fixed = isFixed(reflect.TypeOf(call.Result).Elem())
			call.Release()
		} else {
			s.learned[r.Index].fixed = true // a stream's messages are bounded by its credit, and its answer is small
		}
	}
	return s
}

// ServeConn serves a peer's connection, of which head has been read already, and returns when it has ended. Once the
// server shuts down it is told so, and its calls are refused as not started; after Close it is cut.
func (s *Server) ServeConn(nc net.Conn, head []byte, peer *rpc.Peer) {
	limits, t := &s.dispatcher.Limits, transport.NewConn(nc)
	c := &serverConn{
		server: s, peer: peer,
		in: transport.NewInput(t, &limits.Limits, head), out: transport.NewOutput(t, limits.Stall),
	}
	c.begun.Init(&limits.Limits)
	c.out.Bound(min(limits.Answers, math.MaxInt32), c.queue.resume)
	c.queue.conn, c.queue.serial = c, s.dispatcher.Serial
	if _, ok := s.conns.Add(c); !ok {
		_ = nc.Close()
		return
	}
	defer s.remove(c)
	if err := c.handshake(); err != nil {
		s.dispatcher.Log.Warn("closing a connection that began as mux", "peer", c.peer.Addr, "reason", err)
		c.sendFault(err)
		_ = nc.Close()
		c.out.Wait()
		return
	}
	if s.conns.Draining() { // maybe since before the handshake, when the client could not be told
		c.Drain()
	}
	defer c.out.Wait() // deferred, for a handler may end this goroutine
	defer c.drain.end()
	defer c.calls.Wait()
	defer s.abandon(c)
	defer c.reading.Wait()
	c.reading.Add(1)
	c.read()
}

// Refusal returns what tells a client why its connection is not served: the server's settings, and GOAWAY.
func (s *Server) Refusal(_ []byte, reason *rpc.Error) []byte {
	return frame.AppendGoAway(s.own.Hello(), byte(reason.Code), reason.Message)
}

// age returns how long there has been a server: a short form of the time.
func (s *Server) age() time.Duration { return time.Since(s.start) }

// abandon notes which calls of a connection without a reader still run: from now on only they change its slots.
func (s *Server) abandon(c *serverConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.eachCall(func(sc *serverCall) { s.abandoned[c] = append(s.abandoned[c], sc) })
}

// Running returns the methods whose handlers run on although their connections have ended, each as often as it does.
func (s *Server) Running() []*rpc.Method {
	s.mu.Lock()
	defer s.mu.Unlock()
	var methods []*rpc.Method
	for _, abandoned := range s.abandoned {
		for _, sc := range abandoned {
			if sc.slot.Load() == sc {
				methods = append(methods, sc.method.route.Method)
			}
		}
	}
	return methods
}

func (s *Server) remove(c *serverConn) {
	s.mu.Lock()
	delete(s.abandoned, c)
	s.mu.Unlock()
	s.conns.Remove(c)
}

// Shutdown tells every client that the server is going away, answers the calls that run, and ends the connections. A
// client that does not read its answers, or does not end its side, has a second for it beside the time that calls take.
// When ctx ends first, what still runs is cut, and ctx's error returned; a handler that does not heed the end of its
// context is left behind.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.conns.Shutdown(ctx); err != nil {
		go s.Close()
		return err
	}
	s.stopWorkers()
	return nil
}

// Close ends every connection and the contexts of the handlers that run, and waits for all of them.
func (s *Server) Close() error {
	s.conns.Close()
	<-s.conns.Empty()
	s.stopWorkers()
	return nil
}

// stopWorkers ends the server's goroutines. No handler runs any more, and calls that still come are refused.
func (s *Server) stopWorkers() {
	s.workers.close()
	s.watchdog.close()
}

// worthReporting reports whether an error that ended a connection is worth a line in the log.
func worthReporting(err error) bool {
	return err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed)
}

// handshake reads the client's preface and settings and sends the server's.
func (c *serverConn) handshake() error {
	c.beginHandshake()
	var b [frame.PrefaceSize]byte
	if err := c.in.ReadExactly(b[:]); err != nil {
		return err
	}
	if string(b[:len(frame.Magic)]) != frame.Magic {
		return fmt.Errorf("it begins with % x", b[:len(frame.Magic)])
	}
	if _, err := c.in.Conn().NetConn().Write(c.server.own.Hello()); err != nil {
		return err
	}
	if v := b[len(frame.Magic)]; v != frame.Version {
		return frame.Faultf("it speaks version %d, and this server version %d", v, frame.Version)
	}
	var head [frame.HeaderSize]byte
	if err := c.in.ReadExactly(head[:]); err != nil {
		return err
	}
	h, err := frame.ParseHeader(head[:])
	if err == nil && h.Type != frame.TypeSettings {
		err = frame.Faultf("the first frame has type %d and not SETTINGS", h.Type)
	}
	if err != nil {
		return err
	}
	body := make([]byte, h.Length)
	if err := c.in.ReadExactly(body); err != nil {
		return err
	}
	accepts, err := frame.ParseSettings(body)
	if err != nil {
		return err
	}
	c.peerMessage, c.peerMetadata = int32(accepts.Message), int32(accepts.Metadata)
	c.peerDetails = int32(accepts.Details)
	c.packing = packing.New(&c.server.dispatcher.Compress, accepts.Codecs, c.in.Conn().NetConn())
	meter(c.packing, c.out)
	c.peerStream, c.peerStreams = int32(accepts.Stream), int32(accepts.Streams)
	return c.endHandshake()
}
