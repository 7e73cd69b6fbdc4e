package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// An Outcome says of a failed call whether it ran at the other side.
type Outcome uint8

// The outcomes.
const (
	OutcomeUnknown    Outcome = iota // it may have run, or may still
	OutcomeNotStarted                // it certainly did not run and will not: safe to send again
	OutcomeAnswered                  // the server answered with this error
)

// String returns "answered", "not started" or "unknown whether it ran".
func (o Outcome) String() string {
	return [...]string{"unknown whether it ran", "not started", "answered"}[min(o, OutcomeAnswered)]
}

// An Error is every failure of a call that is neither a declared exception nor the end of the caller's own context.
// A handler returns one, made by [NewError] or [Errorf], to choose the code that its caller sees.
type Error struct {
	Code    Code
	Message string
	Method  string   // full name of the method, "calc.Calculator/divide"; empty where no call is concerned
	Outcome Outcome  // on the caller's side
	Details []Detail // messages that say more: see [Error.WithDetails]
	cause   error
}

// NewError returns an error with the given code, Unknown in place of a number that is no code, and message.
func NewError(code Code, message string) *Error { return &Error{Code: code.Known(), Message: message} }

// Errorf returns an error with the given code, as NewError does; the rest is as for [fmt.Errorf], %w included.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code.Known(), Message: err.Error(), cause: errors.Unwrap(err)}
}

// Error returns the method, the code and the message, and whether the call ran where it was not answered.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Method != "" {
		b.WriteString(e.Method + ": ")
	}
	b.WriteString(e.Code.Known().String() + ": " + e.Message)
	if e.Method != "" && e.Outcome != OutcomeAnswered {
		b.WriteString(" (" + e.Outcome.String() + ")")
	}
	return b.String()
}

// Unwrap returns the error underneath, if any. One that says that a context has ended stays hidden: it was not the
// caller's, whose end is a [ContextError].
func (e *Error) Unwrap() error {
	if isContextEnd(e.cause) {
		return nil
	}
	return e.cause
}

// isContextEnd reports whether err says that a context has ended. A network connection's timeout says so, too.
func isContextEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// For returns a copy of e that names the method and the outcome of its call.
func (e *Error) For(m *Method, o Outcome) *Error {
	c := *e
	c.Method, c.Outcome = m.FullName(), o
	return &c
}

// A ContextError is the end of a call by the caller's own context or deadline: errors.Is with context.Canceled or
// context.DeadlineExceeded holds.
type ContextError struct {
	Method  string // empty where no call is concerned
	Outcome Outcome
	Err     error // context.Canceled or context.DeadlineExceeded
	Cause   error // what the call was waiting for or last failed with, such as a refused connection; may be nil
}

// NewContextError returns the error for a call of m that ended by err, which is the context's Err.
func NewContextError(m *Method, o Outcome, err, cause error) *ContextError {
	return &ContextError{Method: m.FullName(), Outcome: o, Err: err, Cause: cause}
}

// Error returns the method and the outcome, if a call is concerned, the context's error, and the cause.
func (e *ContextError) Error() string {
	s := e.Err.Error()
	if e.Method != "" {
		s = fmt.Sprintf("%s: %s (%v)", e.Method, s, e.Outcome)
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the context's error and the cause, except one that would make the error of two kinds: an [Error], or
// the end of another context.
func (e *ContextError) Unwrap() []error {
	if _, ok := errors.AsType[*Error](e.Cause); ok || e.Cause == nil || isContextEnd(e.Cause) {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

// An Exception is an error that a definition declares. Generated exceptions implement it.
type Exception interface {
	error
	Message
	// YodelException returns the full name, "calc.InvalidOperation", and the code for protocols that need one.
	YodelException() (name string, code Code)
}

// A Failure is what a server answers for a handler's error: a declared exception, or a system error.
type Failure struct {
	Index     int       // of Exception in the method's Exceptions; -1 for a system error
	Exception Exception // nil for a system error
	Err       *Error    // nil for a declared exception
}

// Failed returns the failure that e is.
func Failed(e *Error) *Failure { return &Failure{Index: -1, Err: e} }

// Failure sorts a handler's error: the first exception in its tree that the method declares, else an *Error, else the
// end of a context, else Unknown with the error's text.
func (m *Method) Failure(err error) Failure {
	if exc, ok := errors.AsType[Exception](err); ok {
		name, code := exc.YodelException()
		if i := m.exceptionIndex(name); i >= 0 {
			return Failure{Index: i, Exception: exc}
		}
		return Failure{Index: -1, Err: Errorf(code, "%s is not declared by this method: %w", name, err)}
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return Failure{Index: -1, Err: &Error{Code: e.Code.Known(), Message: e.Message, Details: e.Details}}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return Failure{Index: -1, Err: NewError(DeadlineExceeded, err.Error())}
	case errors.Is(err, context.Canceled):
		return Failure{Index: -1, Err: NewError(Canceled, err.Error())}
	}
	return Failure{Index: -1, Err: NewError(Unknown, err.Error())}
}

func (m *Method) exceptionIndex(name string) int {
	for i, newException := range m.Exceptions {
		if n, _ := newException().YodelException(); n == name {
			return i
		}
	}
	return -1
}
