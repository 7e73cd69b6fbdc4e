package authz

import (
	"context"
	"slices"

	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/rpc"
)

// Everyone lets all calls pass, also those of callers who are not known.
func Everyone(context.Context, *rpc.Call) bool { return true }

// Nobody lets no call pass.
func Nobody(context.Context, *rpc.Call) bool { return false }

// Authenticated lets the calls pass of callers who are known.
func Authenticated(ctx context.Context, _ *rpc.Call) bool { return auth.From(ctx) != nil }

// Role lets the calls pass of callers who have one of the roles at least.
func Role(roles ...string) Rule {
	roles = slices.Clone(roles)
	return func(ctx context.Context, _ *rpc.Call) bool {
		who := auth.From(ctx)
		return who != nil && slices.ContainsFunc(who.Roles, func(r string) bool { return slices.Contains(roles, r) })
	}
}

// Caller lets the calls pass of those callers, each written as [auth.Identity.String] does, "bearer:alice": the same
// name may be another's with another kind of proof.
func Caller(names ...string) Rule {
	names = slices.Clone(names)
	return func(ctx context.Context, _ *rpc.Call) bool {
		who := auth.From(ctx)
		return who != nil && slices.ContainsFunc(names, func(n string) bool { return n == who.String() })
	}
}

// Any lets the calls pass that one of the rules lets pass.
func Any(rules ...Rule) Rule {
	rules = slices.Clone(rules)
	return func(ctx context.Context, c *rpc.Call) bool {
		return slices.ContainsFunc(rules, func(r Rule) bool { return r(ctx, c) })
	}
}

// All lets the calls pass that each of the rules lets pass, and there is one.
func All(rules ...Rule) Rule {
	rules = slices.Clone(rules)
	return func(ctx context.Context, c *rpc.Call) bool {
		refuses := func(r Rule) bool { return !r(ctx, c) }
		return len(rules) > 0 && !slices.ContainsFunc(rules, refuses)
	}
}
