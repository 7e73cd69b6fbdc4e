// Package recovery reports panics, and chooses what callers are told of them. A server needs no interceptor to survive
// a panic: it answers internal and writes the stack to its log. This one is for who wants to know of panics elsewhere,
// such as a counter or a service that collects them, or to answer differently.
package recovery

import (
	"context"
	"log/slog"
	"runtime/debug"

	"github.com/yodelrpc/yodel/rpc"
)

// A Report is called with a call in which something panicked, with what, and the stack at that place. Its error ends
// the call, as a handler's does; nil ends it with internal. It may be called by many goroutines at once.
type Report func(ctx context.Context, c *rpc.Call, panicked any, stack []byte) error

// New returns an interceptor, for servers and clients, for unary calls and streams, that recovers from panics of what
// is behind it: interceptors, the handler, and at a server the body of a stream. It stands behind those that are to see
// the error, as that of package logging, and before all else. [runtime.Goexit] is none of its concern.
//
// Where report itself panics, the server or the channel answers as without this interceptor.
func New(report Report) rpc.Interceptor {
	return func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) (err error) {
			returned := false
			defer func() {
				if returned {
					return
				}
				if p := recover(); p != nil {
					err = answer(ctx, c, report, p)
				}
			}()
			err = next(ctx, c)
			returned = true
			return err
		}
	}
}

func answer(ctx context.Context, c *rpc.Call, report Report, p any) error {
	if err := report(ctx, c, p, debug.Stack()); err != nil {
		return err
	}
	return rpc.NewError(rpc.Internal, "the call panicked").For(c.Method, rpc.OutcomeUnknown)
}

// Log returns a Report that writes to logger, and leaves the error to [New].
func Log(logger *slog.Logger) Report {
	return func(ctx context.Context, c *rpc.Call, panicked any, stack []byte) error {
		logger.ErrorContext(ctx, "a call panicked", "method", c.Method.FullName(), "panic", panicked,
			"stack", string(stack))
		return nil
	}
}
