// Package auth finds out who makes a call, from a bearer token, a client's certificate or the credentials of a unix
// socket, and puts that into the context of the call, where authorisation and handlers find it:
//
//	who, err := auth.Options{Logger: logger}.Interceptor(auth.Bearer(check), auth.Certificates(nil))
//	srv := yodel.ServerOptions{Interceptors: []rpc.Interceptor{who}}.NewServer(...)
//	...
//	auth.From(ctx).Name // in a handler
//
// A call whose caller cannot be told ends as unauthenticated, unary or with a stream, before the handler and before
// what stands behind the interceptor. The error is the same whatever was wrong, since the difference would help who
// tries tokens; the operator's log says what it was. A client's side is [Token].
//
// Who may call what is another question: see package intercept/authz.
package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/yodelrpc/yodel/rpc"
)

// An Identity is who makes a call. Nobody changes one once it is returned: calls of one caller may share it.
type Identity struct {
	Kind   string   // how it was proved: "bearer", "certificate", "unix", or a word of an [Authenticator] of one's own
	Name   string   // who it is, within the kind: a user, the common name of a certificate, "uid:1000"
	Roles  []string // what package intercept/authz decides on, beside Name
	Claims any      // what else is known, such as the claims of a token; see [ClaimsOf]
}

// String returns the kind and the name, "bearer:alice".
func (i *Identity) String() string {
	if i == nil {
		return "nobody"
	}
	return i.Kind + ":" + i.Name
}

// An Authenticator tells who makes a call from one kind of proof. It returns nil and no error where the call has none
// of this kind, so that the next one is asked, and an error where the proof is wrong. It runs for each call, on many
// goroutines at once.
//
// An [rpc.Error] of the code unavailable says that nobody can tell now, as when a server of tokens is down: the caller
// learns so much, and may try again.
type Authenticator func(ctx context.Context, c *rpc.Call) (*Identity, error)

// Options are the choices of a server's authentication. The zero value works.
type Options struct {
	// Optional lets calls pass that show no proof of any kind; they have no identity. One with a wrong proof is refused
	// all the same.
	Optional bool

	// Logger gets a line for each call that is refused, with the reason and the peer, at most ten a second; nil for
	// none. Tokens are not in it, unless the error of a check has them.
	Logger *slog.Logger
}

// Interceptor returns the interceptor of a server that asks the authenticators in their order, and takes the first
// identity. It fails where there is none to ask.
func (o Options) Interceptor(authenticators ...Authenticator) (rpc.Interceptor, error) {
	if len(authenticators) == 0 {
		return nil, errors.New("auth: there is no authenticator, so that no call would pass")
	}
	for i, a := range authenticators {
		if a == nil {
			return nil, fmt.Errorf("auth: authenticator %d is nil", i)
		}
	}
	log := rpc.NewLog(o.Logger)
	return func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			who, err := first(ctx, c, authenticators)
			switch {
			case err != nil:
				return refuse(ctx, c, log, err)
			case who != nil:
				return next(&identified{ctx, who}, c)
			case o.Optional:
				return next(&identified{ctx, nil}, c) // and not whoever ctx may name from elsewhere
			}
			return refuse(ctx, c, log, errNothing)
		}
	}, nil
}

var errNothing = errors.New("the call shows no proof of who makes it")

// first returns the first identity.
func first(ctx context.Context, c *rpc.Call, authenticators []Authenticator) (*Identity, error) {
	for _, a := range authenticators {
		if who, err := a(ctx, c); who != nil || err != nil {
			return who, err
		}
	}
	return nil, nil
}

// refuse tells the log why a call is refused, and the caller only that it is.
func refuse(ctx context.Context, c *rpc.Call, log *rpc.Log, cause error) error {
	if err := ctx.Err(); err != nil {
		return err // the call's own end, which says nothing of its proof
	}
	log.Warn("a call was refused: its caller is not known", "method", c.Method.FullName(), "peer", address(c.Peer),
		"cause", cause)
	if e, ok := errors.AsType[*rpc.Error](cause); ok && e.Code == rpc.Unavailable {
		return rpc.NewError(rpc.Unavailable, "who makes the call cannot be told at present")
	}
	return rpc.NewError(rpc.Unauthenticated, "the call does not prove who makes it")
}

// address returns the address of a peer for logs, "" where it is not known.
func address(p *rpc.Peer) string {
	if p == nil || p.Addr == nil {
		return ""
	}
	return p.Addr.String()
}
