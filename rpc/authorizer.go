package rpc

import (
	"context"
	"fmt"
	"reflect"
)

// An Authorizer decides which calls a server answers, unary and with streams. A server binds it to all of its methods
// before it serves, so that none can be without a decision, also one that a definition has got since.
type Authorizer interface {
	// Bind returns what decides, for a server of these methods, or an error that names those of which the authorizer
	// does not know who may call them: the server does not serve then. One authorizer may be bound by many servers.
	Bind(methods []*Method) (Authorize, error)
}

// An Authorize returns nil for a call that goes on to the handler, or the error that it ends with. It runs behind the
// server's interceptors, whose context it gets, once for each call, also one with a stream, and on many goroutines at
// once. It keeps no call.
type Authorize func(ctx context.Context, c *Call) error

// bind binds a to the methods of the services; nil without an authorizer.
func bind(a Authorizer, services []*Service) (Authorize, error) {
	if a == nil {
		return nil, nil
	}
	if v := reflect.ValueOf(a); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("the Authorizer is a nil %T, which decides nothing", a)
	}
	var methods []*Method
	for _, s := range services {
		for _, e := range s.Endpoints {
			methods = append(methods, e.Method)
		}
	}
	authorize, err := a.Bind(methods)
	if err == nil && authorize == nil {
		err = fmt.Errorf("%T.Bind returned neither what decides nor an error", a)
	}
	if err != nil {
		return nil, fmt.Errorf("the authorizer of the server: %w", err)
	}
	return authorize, nil
}

// authorized returns next for the calls of m that authorize lets pass. That decides on c.Method, which therefore has to
// be what the call has led to.
func authorized(m *Method, authorize Authorize, next CallFunc) CallFunc {
	return func(ctx context.Context, c *Call) error {
		if c.Method != m {
			return Errorf(Internal, "an interceptor has changed the call's Method")
		}
		if err := authorize(ctx, c); err != nil {
			return err
		}
		return next(ctx, c)
	}
}
