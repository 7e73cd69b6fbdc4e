package auth

import (
	"context"
	"errors"

	"github.com/yodelrpc/yodel/rpc"
)

// A Token is where a client's calls get their bearer token.
type Token struct {
	// Source returns the token for a call. It is asked for each, and so keeps one for as long as that is valid. Its
	// error ends the call, which is not sent: as it is where it is an [rpc.Error], else as unauthenticated.
	Source func(ctx context.Context) (string, error)

	// AllowPlaintext sends the token also where others can read it on the way. Without it calls go over TLS, over unix
	// sockets and within the process only, and fail elsewhere with the code failed_precondition, not started.
	AllowPlaintext bool
}

// Static returns a Token that is always the same.
func Static(token string) Token {
	return Token{Source: func(context.Context) (string, error) { return token, nil }}
}

// Interceptor returns the interceptor of a client that sends the token with each call, but with those that have an
// authorization of their own in their metadata, which are kept from plaintext in the same way.
func (t Token) Interceptor() (rpc.Interceptor, error) {
	if t.Source == nil {
		return nil, errors.New("auth: Token.Source is nil")
	}
	return func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			if !t.AllowPlaintext {
				c.Confidential = true
			}
			if len(rpc.OutgoingMetadata(ctx)[Key]) > 0 {
				return next(ctx, c)
			}
			token, err := t.Source(ctx)
			switch {
			case err != nil:
				return t.failed(ctx, c, err)
			case token == "":
				return t.failed(ctx, c, errors.New("it is empty"))
			}
			return next(rpc.WithMetadata(ctx, Key, scheme+token), c)
		}
	}, nil
}

// failed returns the error of a call that got no token.
func (t Token) failed(ctx context.Context, c *rpc.Call, err error) error {
	if ended := ctx.Err(); ended != nil {
		return rpc.NewContextError(c.Method, rpc.OutcomeNotStarted, ended, err)
	}
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		return e.For(c.Method, rpc.OutcomeNotStarted)
	}
	return rpc.Errorf(rpc.Unauthenticated, "there is no token for the call: %w", err).For(c.Method,
		rpc.OutcomeNotStarted)
}
