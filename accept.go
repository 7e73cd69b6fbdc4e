package yodel

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/yodelrpc/yodel/internal/peercred"
	"github.com/yodelrpc/yodel/rpc"
)

// accept serves the connections of ln until the server closes it, and returns nil then. It lives on without free file
// descriptors and after other errors that pass.
func (s *Server) accept(ln net.Listener) error {
	wait := time.Duration(0)
	var until time.Time // of the last looks
	for {
		closing := s.closing.Err() != nil
		if closing && until.IsZero() {
			until = time.Now().Add(acceptGrace)
		}
		if closing && !s.acceptLast(ln, until) {
			return nil
		}
		nc, err := ln.Accept()
		switch {
		case err == nil:
			wait = 0
			s.serveAccepted(guardConn(nc, s.log))
		case closing:
			return nil
		case s.closing.Err() != nil:
		case !passes(err):
			return err
		default:
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			s.log.Warn("cannot accept a connection", "cause", err, "next_attempt_in", wait)
			s.pause(wait)
		}
	}
}

// A deadliner is a listener whose Accept can be made to end without closing it.
type deadliner interface{ SetDeadline(time.Time) error }

// acceptLast gives the Accept that follows, while the server shuts down, a moment to return a connection that the
// system has accepted already. Closing ln would reset that. It reports false where there is to be no such Accept.
func (s *Server) acceptLast(ln net.Listener, until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.closed || s.options.Mode == Serial || now.After(until) {
		return false
	}
	d, ok := ln.(deadliner)
	return ok && d.SetDeadline(now.Add(acceptPoll)) == nil
}

// passes reports whether err, which Accept returned, may be gone the next time.
func passes(err error) bool {
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// pause waits, but no longer than the server lives.
func (s *Server) pause(wait time.Duration) {
	select {
	case <-time.After(wait):
	case <-s.closing.Done():
	}
}

func (s *Server) serveAccepted(nc net.Conn) {
	switch {
	case !s.admit(nc):
		nc.Close()
	case s.options.Mode == Serial: // apart, for a handler may end its goroutine
		rpc.Apart(func() { s.serveConn(nc) })
	default:
		go s.serveConn(nc)
	}
}

// admit counts a connection, whose end leave tells, and gives it a time to say what it speaks. Shutdown does not wait
// for the bytes of one that comes later. It refuses one over the limit, or that comes after Close.
func (s *Server) admit(nc net.Conn) bool {
	limit := s.dispatcher.Limits.Conns
	admitted, full := s.admitWithin(nc, limit)
	if full {
		s.log.Warn("refused a connection over the limit", "peer", nc.RemoteAddr(), "limit", limit)
	}
	return admitted
}

func (s *Server) admitWithin(nc net.Conn, limit int) (admitted, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := s.firstByteLocked()
	if wait == 0 || nc.SetDeadline(time.Now().Add(wait)) != nil {
		return false, false
	}
	if limit > 0 && len(s.conns) >= limit {
		return false, true
	}
	s.serving.Add(1)
	if s.conns[nc] = s.closing.Err() == nil; s.conns[nc] {
		s.arriving.Add(1)
	}
	return true, false
}

// firstByteLocked returns how long a connection that comes now has for its first bytes.
func (s *Server) firstByteLocked() time.Duration {
	switch {
	case s.closed:
		return 0
	case s.closing.Err() != nil:
		return firstByteGrace
	}
	return s.dispatcher.Limits.FirstByte
}

// lingerBy returns until when a connection that is refused now is told why. Once the server shuts down that is a second
// from there, which the connection may have used up with its first bytes.
func (s *Server) lingerBy() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped.IsZero() {
		return s.stopped.Add(firstByteGrace)
	}
	return time.Now().Add(firstByteGrace)
}

// detected says that nc no longer waits for its first bytes.
func (s *Server) detected(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns[nc] {
		s.conns[nc] = false
		s.arriving.Done()
	}
}

func (s *Server) leave(nc net.Conn) {
	s.mu.Lock()
	delete(s.conns, nc)
	s.mu.Unlock()
	s.serving.Done()
}

// serveConn serves nc until it ends.
func (s *Server) serveConn(nc net.Conn) {
	defer s.leave(nc)
	defer nc.Close() // also where a function of the TLS configuration ends the goroutine
	defer s.recoverFrom(nc)
	peer := &rpc.Peer{Addr: nc.RemoteAddr(), Unix: peercred.Of(nc), Accepted: time.Now()}
	o, err := s.detect(nc, peer)
	if err != nil {
		s.log.Warn("closed a connection", "peer", nc.RemoteAddr(), "cause", err)
	}
	if r, ok := err.(*refusal); ok {
		r.send(s.lingerBy())
	}
	if o.protocol != nil {
		peer.Protocol = o.protocol.Scheme
		s.serverOf(o.protocol).ServeConn(o.nc, o.head, peer)
	} else {
		nc.Close()
	}
}

// serverOf returns what serves p, one of the server's protocols.
func (s *Server) serverOf(p *rpc.Protocol) rpc.ProtocolServer {
	return s.servers[slices.IndexFunc(s.protocols, func(q rpc.Protocol) bool { return q.Scheme == p.Scheme })]
}

// recoverFrom keeps a panic from the other connections: one of a protocol, or of a function of the TLS configuration.
// Where a handler ended the goroutine that is in the log already.
func (s *Server) recoverFrom(nc net.Conn) {
	if p := recover(); p != nil {
		rpc.Guard{Log: s.log}.Caught(fmt.Sprintf("serving the connection of %v", nc.RemoteAddr()), p, nil)
		nc.Close()
	}
}

// An opening is what a new connection has shown of itself.
type opening struct {
	protocol *rpc.Protocol // what it speaks; nil where it is not to be served, or is still to be found inside TLS
	tls      bool          // it is TLS
	nc       net.Conn      // the connection to serve: the accepted one, or the inside of its TLS
	head     []byte        // what was read of it
}

// detect returns what nc speaks. A peer that ended the connection without a word is silent, which is no error. What TLS
// tells of the peer goes into peer.
func (s *Server) detect(nc net.Conn, peer *rpc.Peer) (o opening, err error) {
	defer s.detected(nc)
	inner, ok := nc.(*tls.Conn) // of a listener that does TLS itself
	if !ok {
		o, err = s.detectAccepted(nc)
		if !o.tls {
			return o, err
		}
		inner = tls.Server(&prefixed{Conn: nc, head: o.head}, s.tls)
	}
	if err := s.shakeHands(inner, nc, peer); err != nil {
		return opening{}, err
	}
	o, err = s.openTLS(inner, peer)
	_ = nc.SetDeadline(time.Time{}) // where this fails the connection has ended, which its protocol learns
	return o, err
}

// detectAccepted returns what nc speaks, which may be TLS.
func (s *Server) detectAccepted(nc net.Conn) (opening, error) {
	d, head, err := sniff(nc, s.protocols)
	switch {
	case d.tls && s.tls == nil:
		return opening{}, refuseTLS(nc)
	case d.tls:
		return opening{tls: true, head: head}, nil
	case d.protocol == nil:
		return opening{}, err
	case s.demandsTLS(nc):
		return opening{}, s.refusePlaintext(nc, d.protocol, head)
	}
	_ = nc.SetDeadline(time.Time{})
	return opening{protocol: d.protocol, nc: nc, head: head}, nil
}
