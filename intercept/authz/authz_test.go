package authz_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/intercept/authz"
	"github.com/yodelrpc/yodel/internal/everycall"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rules returns a rule for each method of the calculator.
func rules(r authz.Rule) authz.Rules {
	all := make(authz.Rules)
	for _, name := range everycall.Methods() {
		all[name] = r
	}
	return all
}

// startError returns why a server with the rules does not serve, "" if it would.
func startError(t *testing.T, r authz.Rules, services ...*rpc.Service) string {
	t.Helper()
	srv := yodel.ServerOptions{Authorizer: authz.Options{Rules: r}}.NewServer(services...)
	defer srv.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := srv.Serve(ctx, ln); err != nil {
		return err.Error()
	}
	return ""
}

func TestServersStartOnlyWhereAllIsDecided(t *testing.T) {
	t.Parallel()
	service := everything.NewCalculatorService(&everycall.Handlers{})
	without := func(r authz.Rules, name string) authz.Rules { delete(r, name); return r }
	with := func(r authz.Rules, name string, rule authz.Rule) authz.Rules { r[name] = rule; return r }
	const name = "everything.Calculator/ticks"
	for _, c := range []struct {
		what  string
		rules authz.Rules
		want  string // in the error
	}{
		{"a rule for each", rules(authz.Nobody), ""},
		{"a rule for the service", authz.Rules{"everything.Calculator/*": authz.Nobody}, ""},
		{"both", authz.Rules{"everything.Calculator/*": authz.Nobody, name: authz.Everyone}, ""},
		{"no rules", nil, "everything.Calculator/divide, "},
		{"a stream without one", without(rules(authz.Everyone), name), "no rule says who may call " + name + ";"},
		{"a nil rule", with(rules(authz.Everyone), name, nil), `the rule for "` + name + `" is nil`},
		{"a misspelt rule", with(authz.Rules{"everything.Calculator/*": authz.Nobody},
			"everything.Calculator/tick", authz.Nobody), `"everything.Calculator/tick" is for no method`},
		{"a bare name", with(without(rules(authz.Everyone), name), "ticks", authz.Everyone), name},
		{"another service's", authz.Rules{"everything.*": authz.Everyone}, "no rule says"},
		{"everything at once", authz.Rules{"*": authz.Everyone}, "no rule says"},
	} {
		err := startError(t, c.rules, service)
		if c.want == "" && err != "" || !strings.Contains(err, c.want) {
			t.Errorf("%s: error %q; want %q", c.what, err, c.want)
		}
	}
}

// A method that a definition gets later has no rule, so that the server does not start.
func TestMethodsAddedLaterAreNotOpen(t *testing.T) {
	t.Parallel()
	before := everything.NewCalculatorService(&everycall.Handlers{})
	added := *before
	added.Endpoints = append(before.Endpoints[:len(before.Endpoints):len(before.Endpoints)],
		rpc.NewEndpoint(&rpc.Method{Service: before.Name, Name: "erase", ServerStream: true}, nil, nil))
	if err := startError(t, rules(authz.Everyone), before); err != "" {
		t.Fatal(err)
	}
	if err := startError(t, rules(authz.Everyone), &added); !strings.Contains(err, "everything.Calculator/erase") {
		t.Errorf("with a method more: %q", err)
	}
}

func TestNilAuthorizersDecideNothing(t *testing.T) {
	t.Parallel()
	srv := yodel.ServerOptions{Authorizer: (*authz.Options)(nil)}.NewServer()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Serve(t.Context(), ln); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("Serve: %v", err)
	}
}

// Behind the interceptors, also ones that are misplaced, nothing gets past a rule.
func TestNoCallPassesARule(t *testing.T) {
	t.Parallel()
	who, err := auth.Options{Optional: true}.Interceptor(
		auth.Bearer(func(_ context.Context, token string) (*auth.Identity, error) {
			return &auth.Identity{Name: token, Roles: []string{"of-" + token}}, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		rule authz.Rule
		pass string // the callers who may, of alice, bob and nobody
	}{
		{"everyone", authz.Everyone, "alice bob nobody"},
		{"nobody", authz.Nobody, ""},
		{"authenticated", authz.Authenticated, "alice bob"},
		{"a role", authz.Role("of-alice", "of-carol"), "alice"},
		{"no role", authz.Role(), ""},
		{"a caller", authz.Caller("bearer:bob"), "bob"},
		{"a caller of another kind", authz.Caller("certificate:bob", "nobody"), ""},
		{"any", authz.Any(authz.Role("of-alice"), authz.Caller("bearer:bob")), "alice bob"},
		{"any of none", authz.Any(), ""},
		{"all", authz.All(authz.Authenticated, authz.Role("of-bob")), "bob"},
		{"all of none", authz.All(), ""},
		{"a rule that panics", func(context.Context, *rpc.Call) bool { panic("a rule") }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := &everycall.Handlers{}
			addr := everycall.Serve(t, yodel.ServerOptions{
				Interceptors: []rpc.Interceptor{who}, Authorizer: authz.Options{Rules: rules(c.rule)}}, h)
			for _, scheme := range everycall.Schemes {
				client := everycall.Dial(t, yodel.DialOptions{}, scheme+"://"+addr)
				for _, caller := range []string{"alice", "bob", "nobody"} {
					ctx, want := t.Context(), rpc.PermissionDenied
					switch {
					case caller == "nobody":
						want = rpc.Unauthenticated
					case scheme == "line" || scheme == "basic":
						continue // which carry no token
					default:
						ctx = rpc.WithMetadata(ctx, auth.Key, "Bearer "+caller)
					}
					if c.name == "a rule that panics" {
						want = rpc.Internal
					}
					for _, kind := range everycall.Over(scheme) {
						before := h.Ran.Load()
						err := kind.Call(ctx, client)
						what := scheme + ", " + kind.Name + ", " + caller
						if strings.Contains(c.pass, caller) {
							if err != nil {
								t.Errorf("%s: %v", what, err)
							}
							continue
						}
						everycall.WantCode(t, what, err, want)
						if h.Ran.Load() != before {
							t.Errorf("%s: the handler ran", what)
						}
					}
				}
			}
		})
	}
}

// An interceptor that changes what a call says it is does not choose the rule.
func TestRulesAreOfTheMethodThatRuns(t *testing.T) {
	t.Parallel()
	open := &rpc.Method{Service: "s.S", Name: "open"}
	h := &everycall.Handlers{}
	addr := everycall.Serve(t, yodel.ServerOptions{
		Interceptors: []rpc.Interceptor{func(next rpc.CallFunc) rpc.CallFunc {
			return func(ctx context.Context, c *rpc.Call) error {
				c.Method = open
				return next(ctx, c)
			}
		}},
		Authorizer: authz.Options{Rules: rules(authz.Everyone)},
	}, h)
	c := everycall.Dial(t, yodel.DialOptions{}, addr)
	everycall.WantCode(t, "a changed method", everycall.Unary[0].Call(t.Context(), c), rpc.Internal)
	if h.Ran.Load() != 0 {
		t.Error("the handler ran")
	}
}
