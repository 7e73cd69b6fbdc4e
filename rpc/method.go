package rpc

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/wire"
)

// A Message is what travels: see [wire.Message].
type Message = wire.Message

// A Method describes one method of a definition. Generated code makes one for each; clients and servers share it, and
// nobody changes it.
type Method struct {
	Service      string             // full name of the service: "calc.Calculator"
	Name         string             // as declared: "divide"
	Own          bool               // of the file's own service: called by its bare name where names are short
	Exceptions   []func() Exception // make empty ones, in the order of declaration
	Idempotent   bool               // may run twice: a call whose fate is unknown is sent again
	Timeout      time.Duration      // the deadline of calls whose context has none; 0 for none
	ClientStream bool               // the arguments are a stream
	ServerStream bool               // the result is a stream
}

// FullName returns the name by which the method is known everywhere, "calc.Calculator/divide".
func (m *Method) FullName() string { return m.Service + "/" + m.Name }

// A Call is one call on its way, of either kind: unary, where the stub fills Args and a protocol fills Result, or one
// with a stream, whose messages pass through Body. Interceptors on both sides see it. A unary one is used again for
// later calls: nobody keeps it, Args or Result after the call has returned.
type Call struct {
	Method *Method
	Args   Message // of a unary call; nil for one with a stream
	Result Message // of a unary call; nil for one with a stream

	// Body is what uses the stream of a call with one: the caller's loop at a client, the handler at a server. It is
	// nil for a unary call. The last CallFunc of the way opens the stream, runs Body with it (see Run), and closes it,
	// so that all that passes through the stream passes inside the interceptors. One that wants to see or change the
	// messages puts a Body in place that runs the first one with a Stream of its own. A Body runs once: the second time
	// is an error.
	Body func(ctx context.Context, s Stream) error

	// Deadline is the end of the call where it is earlier than the context's own; zero for none.
	Deadline time.Time

	// Peer is the other side: at a server the caller, at a client the server of the last attempt. At a server it is
	// there for interceptors; handlers have [Info]. It is nil before the first attempt, and where a connection does not
	// know.
	Peer *Peer

	// Attempt is how often a channel has tried the call: 1 for the first time, 0 before it and at a server.
	Attempt int

	// Confidential is set by a client's interceptor that puts a secret into the call's metadata, such as a token: a
	// channel sends the call to nobody whose Peer is not, too, by [Peer.Confidential], and ends it with an error.
	Confidential bool

	begun   *atomic.Bool // a Body of this call or of a fork; set by whoever runs it. Nil for a unary call
	stream  Stream       // at a server, what Body is to be run with
	owned   Message      // the Result that whoever made the call reads; nil for a call that belongs to no pool
	release func()
}

// NewStreamCall returns a call of m, which has a stream, that body uses.
func NewStreamCall(m *Method, body func(ctx context.Context, s Stream) error) *Call {
	c := &Call{Method: m, begun: new(atomic.Bool)}
	var ran atomic.Bool // apart from begun, which is of whatever Body an interceptor put in place
	c.Body = func(ctx context.Context, s Stream) error {
		if ran.Swap(true) {
			return c.ranBefore()
		}
		c.begun.Store(true)
		return body(ctx, s)
	}
	return c
}

// Run runs the Body of a call with a stream, within the call's deadline. The last CallFunc of a way calls it, once the
// stream is open. When a Body has run, whoever put it in place, Run returns an error.
func (c *Call) Run(ctx context.Context, s Stream) error {
	if c.begun == nil { // NewStreamCall did not make the call
		c.begun = new(atomic.Bool)
	}
	if c.begun.Swap(true) {
		return c.ranBefore()
	}
	if end, ok := ctx.Deadline(); !c.Deadline.IsZero() && (!ok || c.Deadline.Before(end)) {
		ctx = &timeoutContext{Context: ctx, deadline: c.Deadline}
	}
	return c.Body(ctx, s)
}

func (c *Call) ranBefore() error {
	return Errorf(FailedPrecondition,
		"the body of a stream runs once, and it has run: an interceptor called next, or the "+
			"Body that it found, a second time").For(c.Method, OutcomeUnknown)
}

// Begun reports whether the Body of a call has begun to run, so that the call cannot be made again. It is false for a
// unary call.
func (c *Call) Begun() bool { return c.begun != nil && c.begun.Load() }

// RefusePlaintext returns an error if c is Confidential and what is sent to p can be read on the way. Whatever sends
// calls asks it first.
func (c *Call) RefusePlaintext(p *Peer) error {
	if !c.Confidential || p.Confidential() {
		return nil
	}
	return NewError(FailedPrecondition,
		"the call carries a secret, which others could read on the way: dial the server "+
			"with TLS or over a unix socket, or allow plaintext where the secret is put in").For(c.Method,
		OutcomeNotStarted)
}

// Release gives the call back. Whoever made it, by [Route.NewCall] or [Unary.NewCall], calls Release once, when nothing
// will touch the call any more.
func (c *Call) Release() {
	if c.release != nil { // one that belongs to no pool has nothing to give back to
		c.release()
	}
}

// A Unary is a method with one set of arguments A and one result R, and the calls of it that are not in use.
type Unary[A, R any, PA message[A], PR message[R]] struct {
	Method
	calls sync.Pool
}

// message is a pointer to a T that is a Message.
type message[T any] interface {
	*T
	Message
}

// A UnaryCall is a Call that owns its arguments and its result.
type UnaryCall[A, R any] struct {
	Call
	In  A
	Out R
}

// NewUnary returns the unary method that m describes.
func NewUnary[A, R any, PA message[A], PR message[R]](m Method) *Unary[A, R, PA, PR] {
	return &Unary[A, R, PA, PR]{Method: m}
}

// NewCall returns a call whose arguments and result have their defaults. The caller releases it.
func (u *Unary[A, R, PA, PR]) NewCall() *UnaryCall[A, R] {
	if c, ok := u.calls.Get().(*UnaryCall[A, R]); ok {
		return c
	}
	c := new(UnaryCall[A, R])
	args, result := PA(&c.In), PR(&c.Out)
	args.Reset()
	result.Reset()
	c.Method, c.Args, c.Result = &u.Method, args, result
	c.release = func() {
		if c.Args != Message(args) || c.Result != Message(result) || c.Body != nil || c.Method != &u.Method {
			return // an interceptor has put something of its own in place, which no later call may find
		}
		args.Reset()
		result.Reset()
		c.Deadline, c.Peer, c.Attempt, c.Confidential = time.Time{}, nil, 0, false
		u.calls.Put(c)
	}
	c.owned = result
	return c
}

// Handle returns the endpoint that answers the method's calls with handle, which sets the result or returns an error.
func (u *Unary[A, R, PA, PR]) Handle(handle func(ctx context.Context, in *A, out *R) error) *Endpoint {
	return &Endpoint{
		Method:  &u.Method,
		newCall: func() *Call { return &u.NewCall().Call },
		handle: func(ctx context.Context, c *Call) error {
			return handle(ctx, (*A)(c.Args.(PA)), (*R)(c.Result.(PR)))
		},
	}
}
