package auth_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/internal/everycall"
	"github.com/yodelrpc/yodel/rpc"
)

func TestAuthenticatorsAreAskedInOrder(t *testing.T) {
	t.Parallel()
	is := func(name string) auth.Authenticator {
		return func(context.Context, *rpc.Call) (*auth.Identity, error) {
			return &auth.Identity{Kind: "test", Name: name}, nil
		}
	}
	none := func(context.Context, *rpc.Call) (*auth.Identity, error) { return nil, nil }
	fails := func(err error) auth.Authenticator {
		return func(context.Context, *rpc.Call) (*auth.Identity, error) { return nil, err }
	}
	down := rpc.NewError(rpc.Unavailable, "tokens.internal:443 is down")
	for _, c := range []struct {
		name     string
		optional bool
		as       []auth.Authenticator
		want     string
	}{
		{"the first that knows", false, []auth.Authenticator{none, is("a"), is("b")}, "test:a"},
		{"none knows", false, []auth.Authenticator{none, none}, "unauthenticated"},
		{"none knows, and may", true, []auth.Authenticator{none, none}, "nobody"},
		{"a wrong proof before a right one", true, []auth.Authenticator{fails(errors.New("no")), is("b")},
			"unauthenticated"},
		{"nobody can tell", false, []auth.Authenticator{fails(down)}, "unavailable"},
		{"a code of its own", false, []auth.Authenticator{fails(rpc.NewError(rpc.NotFound, "no user bob"))},
			"unauthenticated"},
		{"bearer without an identity", false, []auth.Authenticator{
			auth.Bearer(func(context.Context, string) (*auth.Identity, error) { return nil, nil })}, "unauthenticated"},
	} {
		got := ""
		call := interceptor(t, auth.Options{Optional: c.optional},
			c.as...)(func(ctx context.Context, _ *rpc.Call) error {
			got = auth.From(ctx).String()
			return nil
		})
		md := rpc.Metadata{auth.Key: {"Bearer x"}}
		ctx := rpc.NewServerContext(t.Context(), rpc.CallInfo{Metadata: md}, time.Time{})
		if err := call(ctx, &rpc.Call{Method: &rpc.Method{Service: "s.S", Name: "m"}}); err != nil {
			got = err.(*rpc.Error).Code.String()
			if strings.Contains(err.Error(), "internal") || strings.Contains(err.Error(), "bob") {
				t.Errorf("%s: the error tells too much: %v", c.name, err)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s; want %s", c.name, got, c.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	if _, err := (auth.Options{}).Interceptor(); err == nil {
		t.Error("no authenticator is no error")
	}
	if _, err := (auth.Options{}).Interceptor(nil); err == nil {
		t.Error("a nil authenticator is no error")
	}
	if _, err := (auth.Token{}).Interceptor(); err == nil {
		t.Error("a token without a source is no error")
	}
	for _, tokens := range []map[string]auth.Identity{nil, {"": {Name: "a"}}, {"short": {Name: "a"}}} {
		if _, err := auth.Tokens(tokens); err == nil {
			t.Errorf("%v is no error", tokens)
		}
	}
}

// A call that got no token is not sent.
func TestSourcesThatFail(t *testing.T) {
	t.Parallel()
	method := &rpc.Method{Service: "s.S", Name: "m"}
	call := func(ctx context.Context, tk auth.Token) error {
		return sends(t, tk)(func(context.Context, *rpc.Call) error {
			t.Error("the call was sent")
			return nil
		})(ctx, &rpc.Call{Method: method})
	}
	source := func(s string, err error) auth.Token {
		return auth.Token{Source: func(context.Context) (string, error) { return s, err }}
	}
	everycall.WantCode(t, "an empty token", call(t.Context(), source("", nil)), rpc.Unauthenticated)
	everycall.WantCode(t, "an error", call(t.Context(), source("x", errors.New("no file"))), rpc.Unauthenticated)
	everycall.WantCode(t, "an error with a code", call(t.Context(),
		source("", rpc.NewError(rpc.Unavailable, "down"))), rpc.Unavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := call(ctx, source("", ctx.Err())); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}
