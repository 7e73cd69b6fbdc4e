package rpc

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/internal/nearest"
)

// A Dispatcher is what the protocols of one server share: the way from a method's name to the handler.
type Dispatcher struct {
	Limits   ServerLimits
	Compress compress.Options // of the protocols that can
	Serial   bool             // calls of a connection run one after another
	Log      *Log

	// Running is the calls of protocols that keep no account of their own.
	Running Running

	routes []*Route
	byName map[string]*Route
}

// A Route is the way to one endpoint of a server.
type Route struct {
	*Endpoint
	Index    int    // in the order of the services' declaration, from 0
	FullName string // "calc.Calculator/divide"
	invoke   CallFunc
	log      *Log
}

// DispatcherOptions are the choices of a server that concern calls. The zero value works.
type DispatcherOptions struct {
	Interceptors []Interceptor // that wrap every call, the first outermost
	Authorizer   Authorizer    // that decides, behind them, which calls are answered; nil for all
	Limits       ServerLimits
	Compress     compress.Options // of the protocols that can; the zero value is nothing
	Serial       bool             // calls of a connection run one after another
	Logger       *slog.Logger     // as that of a server; nil for none
}

// NewDispatcher returns a dispatcher for the services. It fails where two services have the same name, a limit is
// negative, or the Authorizer does not cover all methods.
func NewDispatcher(services []*Service, o DispatcherOptions) (*Dispatcher, error) {
	if err := o.Limits.Validate(); err != nil {
		return nil, err
	}
	if err := o.Compress.Validate(); err != nil {
		return nil, err
	}
	d := &Dispatcher{
		Limits: o.Limits.WithDefaults(), Compress: o.Compress, Serial: o.Serial,
		Log: NewLog(o.Logger), byName: make(map[string]*Route),
	}
	authorize, err := bind(o.Authorizer, services)
	if err != nil {
		return nil, err
	}
	bare := bareNames(services)
	for _, s := range services {
		for _, e := range s.Endpoints {
			if err := d.add(e, o.Interceptors, authorize, bare[e.Method.Name] == e.Method); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// bareNames returns the method that each bare name means: the one that has it, or the one outside a service that has
// it; nil where there are several.
func bareNames(services []*Service) map[string]*Method {
	all, own := make(map[string][]*Method), make(map[string][]*Method)
	for _, s := range services {
		for _, e := range s.Endpoints {
			all[e.Method.Name] = append(all[e.Method.Name], e.Method)
			if e.Method.Own {
				own[e.Method.Name] = append(own[e.Method.Name], e.Method)
			}
		}
	}
	bare := make(map[string]*Method)
	for name, methods := range all {
		if len(methods) > 1 {
			methods = own[name]
		}
		if len(methods) == 1 {
			bare[name] = methods[0]
		}
	}
	return bare
}

func (d *Dispatcher) add(e *Endpoint, interceptors []Interceptor, authorize Authorize, bare bool) error {
	r := &Route{
		Endpoint: e, Index: len(d.routes), FullName: e.Method.FullName(), log: d.Log,
		invoke: e.checked(),
	}
	if authorize != nil {
		r.invoke = authorized(e.Method, authorize, r.invoke)
	}
	if len(interceptors) > 0 || authorize != nil {
		r.invoke = withPeer(Chain(interceptors, r.invoke))
	}
	d.routes = append(d.routes, r)
	for _, name := range e.Method.names(bare) {
		if other, ok := d.byName[name]; ok {
			return fmt.Errorf("%s and %s would both answer to %q; rename one, or serve them on two servers",
				other.Method.FullName(), e.Method.FullName(), name)
		}
		d.byName[name] = r
	}
	return nil
}

// withPeer returns next for calls that have their Peer, which interceptors alone need.
func withPeer(next CallFunc) CallFunc {
	return func(ctx context.Context, c *Call) error {
		if info := Info(ctx); info != nil {
			c.Peer = info.Peer
		}
		return next(ctx, c)
	}
}

// names returns what a caller may call m: its full name, Service.method, and the method alone if bare.
func (m *Method) names(bare bool) []string {
	names := []string{m.FullName(), m.Service[strings.LastIndexByte(m.Service, '.')+1:] + "." + m.Name}
	if bare {
		names = append(names, m.Name)
	}
	return names
}

// Routes returns every route, in order of Index.
func (d *Dispatcher) Routes() []*Route { return d.routes }

// Find returns the route for a name: "divide" where one service alone has it, "Calculator.divide", or
// "calc.Calculator/divide". Nothing but these exact bytes leads to a handler.
func (d *Dispatcher) Find(name []byte) (*Route, *Error) {
	if r, ok := d.byName[string(name)]; ok {
		return r, nil
	}
	return nil, d.unknownMethod(string(name))
}

func (d *Dispatcher) unknownMethod(name string) *Error {
	var matches []string
	for _, r := range d.routes {
		if r.Method.Name == name {
			matches = append(matches, r.Method.names(false)[1])
		}
	}
	if len(matches) > 1 {
		return Errorf(Unimplemented, "several services have a method %q; call %s", name, strings.Join(matches, " or "))
	}
	return Errorf(Unimplemented, "unknown method %s; this server has %s", Quote(name), d.nearest(name))
}

// nearest returns the names of up to five methods, those most like name first.
func (d *Dispatcher) nearest(name string) string {
	if len(d.routes) == 0 {
		return "no methods"
	}
	names := make([]string, 0, len(d.routes))
	for _, r := range d.routes {
		names = append(names, r.shortName(d))
	}
	return nearest.List(name, names)
}

func (r *Route) shortName(d *Dispatcher) string {
	if d.byName[r.Method.Name] == r {
		return r.Method.Name
	}
	return r.Method.names(false)[1]
}

// Quote returns a peer's text for an error or a log line: quoted, escaped, and cut to 64 bytes.
func Quote(s string) string {
	if len(s) > 64 {
		return fmt.Sprintf("%q… (%d bytes)", s[:64], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// NewCall returns a call for the route's method, to be released after its answer is encoded.
func (r *Route) NewCall() *Call { return r.newCall() }

// NewStreamCall is NewCall for a method with a stream, which is s. It stays the caller's to close, once Invoke has
// returned.
func (r *Route) NewStreamCall(s Stream) *Call {
	c := r.newCall()
	c.stream = s
	return c
}

// Unary reports whether the method has no streams; a protocol without streams answers the others with [NoStreams].
func (r *Route) Unary() bool { return !r.Method.ClientStream && !r.Method.ServerStream }

// Invoke runs the interceptors and the handler and returns how the call failed; nil is success. A panic in them, or in
// the methods of the error that they return, is an Internal failure and a line in the log. Where they end the
// goroutine, exited gets that failure in place of the caller; see [Guard].
func (r *Route) Invoke(ctx context.Context, c *Call, exited func(*Failure)) (f *Failure) {
	returned := false
	defer func() {
		if !returned {
			f = Failed(r.guard().Caught("the handler", recover(), exit(exited)))
		}
	}()
	err := r.invoke(ctx, c)
	returned = true
	if err == nil {
		return nil
	}
	return r.failure(err, exited)
}

func (r *Route) failure(err error, exited func(*Failure)) *Failure {
	var f Failure
	sorting := r.guard().Run("the handler's error", func() error {
		f = r.Method.Failure(err)
		return nil
	}, exit(exited))
	if sorting != nil {
		return Failed(sorting.(*Error))
	}
	return &f
}

// exit returns what a Guard calls to hand a failure to exited.
func exit(exited func(*Failure)) func(*Error) {
	return func(e *Error) {
		if exited != nil {
			exited(Failed(e))
		}
	}
}

func (r *Route) guard() Guard { return Guard{Log: r.log, Method: r.Method} }
