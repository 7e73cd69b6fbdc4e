// Package validate holds callers to what a function of the program's own says, where the constraints of a definition
// cannot say it: that one value is below another, or that a name exists. It sees a call's arguments, unary or of a
// stream, before they reach the handler, or before a client sends them.
//
// At a server it is for a service's own interceptors, which are behind authentication and authorization, so that only
// those who may call learn what is wrong with their arguments:
//
//	srv := yodel.NewServer(divide.NewService(handlers{}).With(validate.New(check)))
//
// The constraints of the definition are checked behind it, next to the handler, of unary calls as of streams: a [Check]
// sees arguments that need not be as they want them. Clients check constraints by rpc.ValidateCalls.
package validate

import (
	"context"
	"errors"

	"github.com/yodelrpc/yodel/rpc"
)

// A Check returns an error for arguments that are not as they should be: of a unary call, or of each message that the
// caller sends in a stream. An [*rpc.Error] ends the call as it is, as one with an [rpc.BadRequest] for a detail; any
// other becomes invalid_argument with its text. It may be called by many goroutines at once, and neither keeps nor
// changes the message.
type Check func(ctx context.Context, m *rpc.Method, args rpc.Message) error

// New returns an interceptor for servers, whose callers' arguments it checks.
func New(check Check) rpc.Interceptor { return intercept(check, false) }

// Client returns an interceptor for clients: a call whose arguments are refused is not sent.
func Client(check Check) rpc.Interceptor { return intercept(check, true) }

func intercept(check Check, client bool) rpc.Interceptor {
	return func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			if body := c.Body; body != nil {
				c.Body = func(ctx context.Context, s rpc.Stream) error {
					return body(ctx, &stream{Stream: s, check: check, method: c.Method, client: client})
				}
			} else if err := check(ctx, c.Method, c.Args); err != nil {
				return refused(err, c.Method, client, rpc.OutcomeNotStarted)
			}
			return next(ctx, c)
		}
	}
}

func refused(err error, m *rpc.Method, client bool, o rpc.Outcome) error {
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok {
		e = rpc.Errorf(rpc.InvalidArgument, "%w", err)
	}
	if client {
		return e.For(m, o)
	}
	return e
}

// A stream checks what the caller of it sends.
type stream struct {
	rpc.Stream
	check  Check
	method *rpc.Method
	client bool
}

// Send implements [rpc.Stream].
func (s *stream) Send(ctx context.Context, m rpc.Message) error {
	if s.client {
		if err := s.check(ctx, s.method, m); err != nil {
			return refused(err, s.method, true, rpc.OutcomeUnknown)
		}
	}
	return s.Stream.Send(ctx, m)
}

// Recv implements [rpc.Stream].
func (s *stream) Recv(ctx context.Context, m rpc.Message) error {
	if err := s.Stream.Recv(ctx, m); err != nil || s.client {
		return err
	}
	if err := s.check(ctx, s.method, m); err != nil {
		return refused(err, s.method, false, rpc.OutcomeUnknown)
	}
	return nil
}
