package rpc

import (
	"context"
	"reflect"

	"github.com/yodelrpc/yodel/wire"
)

// A Service is a set of endpoints. Generated code makes one from a user's handlers.
type Service struct {
	Name      string // full name: "calc.Calculator"
	Endpoints []*Endpoint
}

// NewService returns a service with the given endpoints.
func NewService(name string, endpoints ...*Endpoint) *Service {
	return &Service{Name: name, Endpoints: endpoints}
}

// With returns the service with interceptors of its own, behind those of the server and its [Authorizer], and in front
// of what is there already, the check of the definition's constraints included: for what concerns one service alone, or
// is not for callers who may not call. The first is outermost.
func (s *Service) With(interceptors ...Interceptor) *Service {
	with := &Service{Name: s.Name}
	for _, e := range s.Endpoints {
		endpoint := *e
		endpoint.handle, endpoint.isChecked = withPeer(Chain(interceptors, e.checked())), true
		with.Endpoints = append(with.Endpoints, &endpoint)
	}
	return with
}

// An Endpoint is a method and what answers it.
type Endpoint struct {
	Method  *Method
	newCall func() *Call // whose Body, for a method with a stream, is the handler
	handle  CallFunc

	isChecked bool // handle has the check of constraints in it
}

// NewEndpoint returns what answers m's calls without generated code: newCall makes a call whose arguments and result
// have their defaults, and handle sets the result or returns an error. Neither keeps a call.
func NewEndpoint(m *Method, newCall func() *Call, handle CallFunc) *Endpoint {
	return &Endpoint{Method: m, newCall: newCall, handle: handle}
}

// A CallFunc makes or answers one call, unary or with a stream: the rest of a channel, or the rest of a server. It
// returns when the call has ended.
type CallFunc func(ctx context.Context, c *Call) error

// An Interceptor wraps every call of a channel or a server, streams included. It is called once for a channel or
// server, with the rest of the way, and returns the way with itself in front, which any number of goroutines call at
// once. It answers in the place of what comes behind it by not calling next: it fills or sets the Result of a unary
// call, or leaves the Body of a stream alone, and returns nil or an error. A Result that it sets is the call's from
// then on, which takes what is in it.
type Interceptor func(next CallFunc) CallFunc

// Chain returns last with the interceptors in front of it, the first outermost.
func Chain(interceptors []Interceptor, last CallFunc) CallFunc {
	for i := len(interceptors) - 1; i >= 0; i-- {
		last = interceptors[i](last)
	}
	if len(interceptors) == 0 {
		return last
	}
	return func(ctx context.Context, c *Call) error {
		err := last(ctx, c)
		if err == nil && c.owned != nil && c.Result != c.owned {
			return c.takeResult()
		}
		return err
	}
}

// takeResult moves the Result that an interceptor has put in place into that of the call's maker, who reads no other.
func (c *Call) takeResult() error {
	result := c.Result
	c.Result = c.owned
	if reflect.TypeOf(result) != reflect.TypeOf(c.owned) {
		return Errorf(Internal, "an interceptor has set the call's Result to a %T; it has to be a %T", result, c.owned).
			For(c.Method, OutcomeUnknown)
	}
	wire.Move(c.owned, result)
	return nil
}
