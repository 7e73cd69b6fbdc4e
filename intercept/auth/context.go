package auth

import (
	"context"

	"github.com/yodelrpc/yodel/rpc"
)

// identityKey is of this package alone, so that nothing but its interceptor, and no metadata, makes an identity.
type identityKey struct{}

// An identified is a context with an identity. It is one small allocation, and lets package context derive contexts
// without a goroutine each, as context.WithValue would not where the parent is a server's.
type identified struct {
	context.Context
	who *Identity
}

// Value returns the identity, or the parent's value.
func (c *identified) Value(key any) any {
	if key == (identityKey{}) {
		return c.who
	}
	return c.Context.Value(key)
}

// AfterFunc is what package context asks for.
func (c *identified) AfterFunc(f func()) (stop func() bool) { return context.AfterFunc(c.Context, f) }

// From returns who makes the call that a handler's or an interceptor's context belongs to; nil where nobody has proved
// it, and where no interceptor of this package stands before.
func From(ctx context.Context) *Identity {
	who, _ := ctx.Value(identityKey{}).(*Identity)
	return who
}

// ClaimsOf returns the identity's claims as what they are, such as the struct that a check of tokens has filled.
func ClaimsOf[T any](ctx context.Context) (claims T, ok bool) {
	if who := From(ctx); who != nil {
		claims, ok = who.Claims.(T)
	}
	return claims, ok
}

// Caller names who makes a call: the identity where there is one, else the peer's address without its port. It is a key
// for limits and logs, of the kind that package intercept/ratelimit takes.
func Caller(ctx context.Context, c *rpc.Call) string {
	if who := From(ctx); who != nil {
		return who.String()
	}
	return "address:" + c.Peer.Host()
}
