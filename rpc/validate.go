package rpc

import (
	"context"
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/wire"
)

// Validate returns nil if all values in m are as the constraints of its definition want them, else an [*Error] of code
// [InvalidArgument] whose detail, a [BadRequest], has the path of each that is not. A server calls it behind the
// interceptors and before the handler, for arguments that have constraints.
func Validate(m Message) error { return invalid(wire.Check(m)) }

// mostShown is how many violations the text of an error has; the others are in its detail.
const mostShown = 3

func invalid(violations []wire.Violation, more int) error {
	if len(violations)+more == 0 {
		return nil
	}
	detail := &BadRequest{Violations: make([]FieldViolation, len(violations))}
	var texts []string
	for i, v := range violations {
		detail.Violations[i] = FieldViolation{Field: v.Path, Description: v.Text, Reason: v.Reason}
		if i < mostShown {
			texts = append(texts, v.Path+" "+v.Text)
		}
	}
	if more += len(violations) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return NewError(InvalidArgument, strings.Join(texts, "; ")).WithDetails(detail)
}

// ValidateCalls is an [Interceptor] for clients: a call whose arguments are not as the definition wants them is not
// sent, and ends as the server would have ended it. What a stream brings is checked before each message of it.
func ValidateCalls(next CallFunc) CallFunc {
	return func(ctx context.Context, c *Call) error {
		if c.Args != nil {
			if err := Validate(c.Args); err != nil {
				return err.(*Error).For(c.Method, OutcomeNotStarted)
			}
		}
		if body := c.Body; body != nil {
			c.Body = func(ctx context.Context, s Stream) error {
				return body(ctx, &validatedStream{Stream: s, method: c.Method, sends: true})
			}
		}
		return next(ctx, c)
	}
}

// constrained reports whether a message, which may be a nil one of its type, can have constraints.
func constrained(m Message) bool {
	_, ok := m.(wire.Constrained)
	return ok
}

// checked returns what answers the endpoint's calls, behind a check of the arguments of unary ones if these have
// constraints. Those of streams check what they receive: see endpoint.
func (e *Endpoint) checked() CallFunc {
	if e.isChecked {
		return e.handle
	}
	c := e.newCall()
	defer c.Release()
	if !constrained(c.Args) {
		return e.handle
	}
	return func(ctx context.Context, c *Call) error {
		if err := Validate(c.Args); err != nil {
			return err
		}
		return e.handle(ctx, c)
	}
}

// A validatedStream checks the arguments that pass through a stream: those that a server receives, or a client sends.
type validatedStream struct {
	Stream
	method *Method
	sends  bool
	begun  bool // the message with the arguments that are no stream has passed, or there is none
	passed int  // elements
}

// Send implements [Stream].
func (s *validatedStream) Send(ctx context.Context, m Message) error {
	if s.sends {
		if err := s.check(m); err != nil {
			return err.(*Error).For(s.method, OutcomeUnknown)
		}
	}
	return s.Stream.Send(ctx, m)
}

// Recv implements [Stream].
func (s *validatedStream) Recv(ctx context.Context, m Message) error {
	if err := s.Stream.Recv(ctx, m); err != nil || s.sends {
		return err
	}
	return s.check(m)
}

func (s *validatedStream) check(m Message) error {
	if !s.begun {
		s.begun = true
		if !s.method.ClientStream || len(wire.TypeOf(m).Fields) > 1 {
			return Validate(m)
		}
	}
	s.passed++
	return invalid(wire.CheckElement(m, s.passed-1))
}
