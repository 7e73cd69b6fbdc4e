package yodel

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/protocol/inprocess"
	"github.com/yodelrpc/yodel/rpc"
)

// ServerOptions are the choices of a server. The zero value works.
type ServerOptions struct {
	// Mode says how connections are run: [Concurrent], [Serial] or [Processes].
	Mode Mode

	// DrainTimeout bounds how long calls may go on after the context of Serve has ended; default 20 s.
	DrainTimeout time.Duration

	// TLS is spoken by all clients, but for those of unix sockets with a file, whose permissions say who may connect:
	// they may do without. Whoever comes in plaintext is refused, on every protocol. Inside TLS the protocol is what
	// ALPN agreed on, or told by the first bytes. Nil refuses TLS. See [TLSFiles] for certificates that are replaced
	// while the server runs.
	TLS *tls.Config

	// SocketMode is the permissions of the file of a unix socket that ListenAndServe makes, such as 0o660: who may
	// write to it may connect. 0 leaves what the process's umask does, as a rule the owner alone. The rights of the
	// folder count, too.
	SocketMode fs.FileMode

	// AllowPlaintext serves clients without TLS as well, on the same ports, where TLS is set.
	AllowPlaintext bool

	// Protocols are those that the server speaks, on the same ports; default [Protocols]. Inside TLS the first is the
	// one that it prefers.
	Protocols []rpc.Protocol

	// HTTP answers the requests of HTTP that are no calls, on the same ports: all but a POST to / whose Content-Type is
	// that of a call, or absent. GET / gets the server's page of its methods only where HTTP is an [http.ServeMux], or
	// has its method Handler, and there is no pattern for it. Nil leaves all requests to the server.
	//
	// NewServer binds an [HTTPBinder] to the server's methods, and what that returns answers.
	//
	// A request is as net/http gives it, over HTTP/1.1 and HTTP/2, with and without TLS, and so is the ResponseWriter:
	// it flushes, can be hijacked over HTTP/1.1, and is full duplex over HTTP/2. The request's TLS is set inside TLS. A
	// hijacked connection is not of the type *tls.Conn there, for the server looks at what goes through it, but has the
	// method ConnectionState of one, and NetConn returns the *tls.Conn. Limits.FirstByte, Metadata (of the
	// header), Calls and Stall (of writes to the connection) hold; the time and size of bodies and CallTime do not, and
	// requests of other origins are for the handler to refuse. A running request holds Shutdown as a call does, until
	// that cuts it or Close does, which ends its context. A connection that was hijacked holds Shutdown while its
	// handler runs, and is cut at the latest a second after.
	HTTP http.Handler

	// Interceptors wrap every call, the first outermost.
	Interceptors []rpc.Interceptor

	// Authorizer decides which calls are answered, behind the interceptors, so that it knows who calls from those that
	// authenticate, and before the handler. A server that has a method which it does not cover does not serve: see
	// package intercept/authz. Nil answers every call that the interceptors let pass.
	Authorizer rpc.Authorizer

	// Limits bound what one client can cost. See [rpc.ServerLimits] for the defaults.
	Limits rpc.ServerLimits

	// Compress says what answers are compressed with, and which; the zero value is no compression. Of the built-in
	// protocols mux and HTTP heed it. For HTTP these are its content codings, of requests and of answers to clients
	// that ask for one, unless Policy is Never. See [compress.Options], and docs/compression.md for what not to
	// compress.
	Compress compress.Options

	// Logger gets at most ten lines a second about bad clients and panics, and besides, without a limit, one for each
	// address that is served and those about workers that start, end and die; nil for none. What it panics with is
	// lost.
	Logger *slog.Logger
}

// A Server answers the calls of its services on any number of listeners, in every protocol. It has a goroutine for each
// connection, if its mode is Concurrent, and those of the protocols; Shutdown and Close end them.
type Server struct {
	options    ServerOptions
	dispatcher *rpc.Dispatcher
	log        *rpc.Log
	err        error // a wrong configuration
	tls        *tls.Config

	protocols []rpc.Protocol       // those that it speaks
	servers   []rpc.ProtocolServer // one for each
	local     *inprocess.Server    // of calls from this process

	closing context.Context // ends when Shutdown or Close begins
	close   context.CancelFunc
	ended   context.Context // ends when Shutdown or Close has ended
	end     context.CancelFunc

	mu        sync.Mutex
	listeners map[*net.Listener]bool // by pointer, for a listener may be of a type that has no hash
	conns     map[net.Conn]bool      // whether Shutdown waits until a protocol has it
	stopped   time.Time              // when Shutdown or Close began; zero before
	closed    bool                   // Close was called

	arriving sync.WaitGroup // of connections that no protocol has yet
	serving  sync.WaitGroup // of all listeners and connections
}

// closeTime is how long Close waits for handlers whose contexts have ended.
const closeTime = time.Second

// ErrServerClosed is the error of Serve and ListenAndServe on a server that was shut down or closed before.
var ErrServerClosed = errors.New("the server has been shut down; make a new one")

const (
	firstByteGrace = time.Second           // for a new connection to send its first bytes once the server shuts down
	acceptGrace    = 50 * time.Millisecond // for all that the system has accepted to be accepted here
	acceptPoll     = time.Millisecond      // for one such Accept; one with no time would not look
)

// NewServer returns a server of the given services, with the default options.
func NewServer(services ...*rpc.Service) *Server { return ServerOptions{}.NewServer(services...) }

// NewServer returns a server of the given services. A mistake in the options or services is returned by
// Serve and ListenAndServe.
func (o ServerOptions) NewServer(services ...*rpc.Service) *Server {
	o.DrainTimeout = cmp.Or(o.DrainTimeout, 20*time.Second)
	s := &Server{
		options:   o,
		listeners: make(map[*net.Listener]bool),
		conns:     make(map[net.Conn]bool),
	}
	s.closing, s.close = context.WithCancel(context.Background())
	s.ended, s.end = context.WithCancel(context.Background())
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{
		Interceptors: o.Interceptors, Authorizer: o.Authorizer, Limits: o.Limits, Compress: o.Compress,
		Serial: o.Mode == Serial, Logger: o.Logger,
	})
	protocols, protocolErr := protocolsOf(o.Protocols, "ServerOptions.Protocols")
	if s.err = errors.Join(err, o.validate(), protocolErr); s.err != nil {
		return s
	}
	s.dispatcher, s.log, s.protocols = d, d.Log, protocols
	s.tls = tlsConfig(o.TLS, s.alpn())
	for _, p := range s.protocols {
		s.servers = append(s.servers, p.NewServer(d))
	}
	s.local = inprocess.NewServer(d)
	s.err = s.handleHTTP(o.HTTP)
	return s
}

func (o ServerOptions) validate() error {
	if o.DrainTimeout < 0 {
		return fmt.Errorf("ServerOptions.DrainTimeout is %v, and cannot be negative; leave it 0 for its default",
			o.DrainTimeout)
	}
	if o.SocketMode&^fs.ModePerm != 0 {
		return fmt.Errorf("ServerOptions.SocketMode is %v; it has to be permissions alone, such as 0o660", o.SocketMode)
	}
	return o.Mode.validate()
}

// An HTTPBinder is a handler for [ServerOptions].HTTP that needs to know the server's methods, to carry their calls or
// to tell of them. It answers no request itself.
type HTTPBinder interface {
	http.Handler
	// Bind returns the handler that does. NewServer calls it once, before the server serves; its error is NewServer's.
	// The dispatcher may be used as long as the handler is, by many goroutines at once.
	Bind(*rpc.Dispatcher) (http.Handler, error)
}

// An HTTPCarrier is the [rpc.ProtocolServer] of a protocol that carries HTTP.
type HTTPCarrier interface {
	rpc.ProtocolServer
	// HandleHTTP has h answer the requests that are no calls of the protocol's own. NewServer calls it once, at most,
	// and before the first ServeConn.
	HandleHTTP(h http.Handler)
}

// handleHTTP gives h to the protocol that carries HTTP.
func (s *Server) handleHTTP(h http.Handler) error {
	if h == nil {
		return nil
	}
	if b, ok := h.(HTTPBinder); ok {
		bound, err := b.Bind(s.dispatcher)
		if err == nil && bound == nil {
			err = fmt.Errorf("%T.Bind returned neither a handler nor an error", h)
		}
		if err != nil {
			return fmt.Errorf("ServerOptions.HTTP: %w", err)
		}
		h = bound
	}
	for _, server := range s.servers {
		if carrier, ok := server.(HTTPCarrier); ok {
			carrier.HandleHTTP(h)
			return nil
		}
	}
	return errors.New("ServerOptions.HTTP is set, but none of ServerOptions.Protocols carries HTTP")
}

// ListenAndServe serves at HOST:PORT, unix:///PATH or, on Linux, the abstract unix socket unix://@NAME, until ctx ends;
// see Serve. Port 0 is any free one. The file of a socket that no server listens on any more is replaced. With the mode
// [Processes] it starts the workers that serve, and supervises them.
func (s *Server) ListenAndServe(ctx context.Context, addr string) error {
	if s.err != nil {
		return s.err
	}
	network, address, err := splitAddress(addr)
	if err != nil {
		return err
	}
	if n := s.options.Mode.processes(); n > 0 {
		return s.serveProcesses(ctx, n, network, address)
	}
	ln, err := listen(ctx, network, address, s.options.SocketMode)
	if err != nil {
		return err
	}
	return s.serve(ctx, ln)
}

func listen(ctx context.Context, network, address string, mode fs.FileMode) (net.Listener, error) {
	var ln net.Listener
	var err error
	if network == "unix" {
		ln, err = listenUnix(ctx, address, mode)
	} else {
		ln, err = new(net.ListenConfig).Listen(ctx, network, address)
	}
	switch {
	case network == "unix": // whose errors say what to do
		return ln, err
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("address %s is in use; stop the other program or pass another address: %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("address %s is not allowed for this user; pass another, such as a port from 1024 up: %w",
			address, err)
	}
	return ln, err
}

// Serve serves the connections of ln, which it closes, until ctx ends. Then it drains the whole server, for at most
// DrainTimeout, and returns nil. It returns nil, too, after Shutdown or Close, when these have ended; if one of them
// had begun before, it returns [ErrServerClosed].
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	err := s.err
	if err == nil && s.options.Mode.processes() > 0 {
		err = errors.New("a server with the mode Processes shares its address with its workers; call ListenAndServe")
	}
	if err != nil {
		ln.Close()
		return err
	}
	return s.serve(ctx, ln)
}

func (s *Server) serve(ctx context.Context, ln net.Listener) error {
	if !s.add(&ln) {
		return ErrServerClosed
	}
	s.log.Always(slog.LevelInfo, "serving", "address", ln.Addr().String())
	stop := context.AfterFunc(ctx, func() { s.drain(ctx) })
	defer stop()
	err := s.accept(ln)
	s.remove(&ln)
	if err != nil {
		return err
	}
	<-s.ended.Done()
	return nil
}

func (s *Server) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.DrainTimeout)
	defer cancel()
	if s.Shutdown(ctx) != nil {
		s.log.Warn("cut calls that ran on after the drain timeout", "timeout", s.options.DrainTimeout)
	}
}

// add counts a listener, whose end remove tells, unless the server is closing.
func (s *Server) add(ln *net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		(*ln).Close()
		return false
	}
	s.listeners[ln] = true
	s.serving.Add(1)
	return true
}

func (s *Server) remove(ln *net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
	(*ln).Close()
	s.serving.Done()
}
