// Package authz decides which calls a server answers, by method:
//
//	srv := yodel.ServerOptions{
//		Interceptors: []rpc.Interceptor{who}, // of package intercept/auth
//		Authorizer: authz.Options{Rules: authz.Rules{
//			"bank.Accounts/balance": authz.Authenticated,
//			"bank.Accounts/close":   authz.Role("clerk"),
//			"bank.Health/*":         authz.Everyone,
//		}},
//	}.NewServer(...)
//
// It fails closed. A server with a method that no rule names does not serve, so that a method that a definition gets
// later is not open by accident; neither does one whose rules name a method that it has not, which is how a misspelt
// rule shows. A rule decides once for a call, unary or with a stream, behind all interceptors and before the handler. A
// rule that panics lets nothing pass.
package authz

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/rpc"
)

// A Rule reports whether a call may go on. It runs on many goroutines at once. [auth.From] says who makes the call, nil
// for nobody; a unary one has its arguments in c.Args.
type Rule func(ctx context.Context, c *rpc.Call) bool

// Rules say who may call which method, by its full name, "bank.Accounts/close". "bank.Accounts/*" is for those methods
// of the service that have no rule of their own, also for those that it gets later, so it is for services of one
// purpose. There is no rule for all services.
type Rules map[string]Rule

// Options are an [rpc.Authorizer], for yodel.ServerOptions.
type Options struct {
	Rules Rules

	// Logger gets a line for each call that is refused, at most ten a second; nil for none.
	Logger *slog.Logger
}

var _ rpc.Authorizer = Options{}

// Bind implements [rpc.Authorizer].
func (o Options) Bind(methods []*rpc.Method) (rpc.Authorize, error) {
	rules, used := make(map[*rpc.Method]Rule), make(map[string]bool)
	var open []string
	for _, m := range methods {
		name, ok := o.ruleFor(m)
		if !ok {
			open = append(open, m.FullName())
			continue
		}
		rules[m], used[name] = o.Rules[name], true
	}
	if err := errors.Join(o.check(used), uncovered(open)); err != nil {
		return nil, err
	}
	log := rpc.NewLog(o.Logger)
	return func(ctx context.Context, c *rpc.Call) error {
		if rule := rules[c.Method]; rule != nil && rule(ctx, c) {
			return nil
		}
		return refuse(ctx, c, log)
	}, nil
}

// ruleFor returns the name of the rule for m.
func (o Options) ruleFor(m *rpc.Method) (name string, ok bool) {
	for _, name := range []string{m.FullName(), m.Service + "/*"} {
		if _, ok := o.Rules[name]; ok {
			return name, true
		}
	}
	return "", false
}

// check returns what is wrong with the rules, of which some are used.
func (o Options) check(used map[string]bool) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(o.Rules)) {
		switch {
		case o.Rules[name] == nil:
			errs = append(errs, fmt.Errorf("the rule for %q is nil; write authz.Nobody if nobody may call it", name))
		case !used[name]:
			errs = append(errs, fmt.Errorf("the rule for %q is for no method of the server", name))
		}
	}
	return errors.Join(errs...)
}

func uncovered(open []string) error {
	if len(open) == 0 {
		return nil
	}
	return fmt.Errorf("no rule says who may call %s; add one for each, authz.Everyone if it is for all",
		strings.Join(open, ", "))
}

// refuse returns the error of a call that may not go on.
func refuse(ctx context.Context, c *rpc.Call, log *rpc.Log) error {
	who := auth.From(ctx)
	log.Warn("a call was refused: its caller may not make it", "method", c.Method.FullName(), "caller",
		auth.Caller(ctx, c))
	if who == nil {
		return rpc.NewError(rpc.Unauthenticated, "the call does not prove who makes it")
	}
	return rpc.NewError(rpc.PermissionDenied, "the caller may not call this method")
}
