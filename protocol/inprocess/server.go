package inprocess

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/yodelrpc/yodel/protocol/internal/conns"
	"github.com/yodelrpc/yodel/rpc"
)

// Scheme is the Protocol of a peer in the same process.
const Scheme = rpc.InProcess

// A Server answers calls from its own process. All methods may be called by many goroutines at once.
type Server struct {
	dispatcher *rpc.Dispatcher
	conns      conns.Set[*Conn]
	serial     chan struct{} // of capacity 1: one call runs at a time; nil if any number may
}

// NewServer returns a server of the methods of d. Where d is Serial its calls run one after another, whichever
// connections they come by.
func NewServer(d *rpc.Dispatcher) *Server {
	s := &Server{dispatcher: d}
	if d.Serial {
		s.serial = make(chan struct{}, 1)
	}
	return s
}

// Options are the choices of a connection. The zero value works.
type Options struct {
	Limits    rpc.Limits
	Serialize bool     // messages are encoded and decoded, not copied
	Log       *rpc.Log // of the caller's side; nil for none
}

// address is that of both ends.
type address struct{}

func (address) Network() string { return Scheme }
func (address) String() string  { return Scheme }

var errShutDown = errors.New("the server has been shut down")

// Dial returns a connection to the server, unless that has been shut down or closed.
func (s *Server) Dial(o Options) (*Conn, error) {
	o.Limits = o.Limits.WithDefaults()
	own := s.dispatcher.Limits.Limits
	o.Limits.Message = min(o.Limits.Message, own.Message)
	o.Limits.Metadata = min(o.Limits.Metadata, own.Metadata)
	c := &Conn{
		server: s, options: o,
		client:   &rpc.Peer{Protocol: Scheme, Addr: net.Addr(address{}), Accepted: time.Now()},
		remote:   &rpc.Peer{Protocol: Scheme, Addr: net.Addr(address{})},
		slots:    make(chan struct{}, min(own.Calls, o.Limits.Calls)),
		done:     make(chan struct{}),
		cut:      make(chan struct{}),
		ended:    make(chan struct{}),
		handlers: make(map[*rpc.ServerContext]struct{}),
	}
	if draining, ok := s.conns.Add(c); draining || !ok {
		return nil, errShutDown
	}
	return c, nil
}

// Shutdown lets running calls finish and takes no more; it cuts them when ctx ends, and returns ctx's error then.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.conns.Shutdown(ctx)
	if err != nil {
		s.conns.Close()
	}
	return err
}

// Close ends all calls, and waits for their handlers.
func (s *Server) Close() error {
	s.conns.Close()
	<-s.conns.Empty()
	return nil
}

// Running returns the methods of the handlers that run, each as often as it does.
func (s *Server) Running() []*rpc.Method {
	var methods []*rpc.Method
	for _, c := range s.conns.All() {
		methods = append(methods, c.running()...)
	}
	return methods
}
