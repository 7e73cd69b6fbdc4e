package intercept_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/intercept/authz"
	"github.com/yodelrpc/yodel/intercept/logging"
	"github.com/yodelrpc/yodel/intercept/ratelimit"
	"github.com/yodelrpc/yodel/intercept/recovery"
	"github.com/yodelrpc/yodel/intercept/validate"
	"github.com/yodelrpc/yodel/rpc"
)

type divider struct{}

func (divider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	return float32(num1) / float32(num2), nil
}

// BenchmarkInterceptors is what a call costs at a server, without a network, from the protocol to the handler and back:
// "none" is that without any interceptor, which the others come on top of.
func BenchmarkInterceptors(b *testing.B) {
	discard := slog.New(slog.NewJSONHandler(io.Discard, nil))
	bearer := authenticate(b, auth.Options{})
	pass := rpc.Interceptor(func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error { return next(ctx, c) }
	})
	certificate := authenticate(b, auth.Options{},
		func(context.Context, *rpc.Call) (*auth.Identity, error) { return &auth.Identity{Name: "x"}, nil })
	report := func(context.Context, *rpc.Call, any, []byte) error { return nil }
	check := func(context.Context, *rpc.Method, rpc.Message) error { return nil }
	limiter := limit(b, ratelimit.Options{Rate: 1e9, Burst: 1 << 30})
	log := func(o logging.Options) []rpc.Interceptor {
		o.Logger = discard
		return []rpc.Interceptor{logging.New(o)}
	}
	rules := authz.Options{Rules: authz.Rules{"divide.Divide/*": authz.Everyone}}
	for _, at := range []struct {
		name         string
		interceptors []rpc.Interceptor
		authorizer   rpc.Authorizer
	}{
		{"none", nil, nil},
		{"an interceptor that does nothing", []rpc.Interceptor{pass}, nil},
		{"logging", log(logging.Options{}), nil},
		{"logging, Sizes", log(logging.Options{Sizes: true}), nil},
		{"logging, Arguments", log(logging.Options{Arguments: true}), nil},
		{"recovery", []rpc.Interceptor{recovery.New(report)}, nil},
		{"auth, an identity and no check", []rpc.Interceptor{certificate}, nil},
		{"auth, Tokens of 2", []rpc.Interceptor{bearer}, nil},
		{"ratelimit", []rpc.Interceptor{limiter}, nil},
		{"authz", nil, rules},
		{"validate", []rpc.Interceptor{validate.New(check)}, nil},
	} {
		b.Run(at.name, func(b *testing.B) {
			d, err := rpc.NewDispatcher([]*rpc.Service{divide.NewService(divider{})},
				rpc.DispatcherOptions{Interceptors: at.interceptors, Authorizer: at.authorizer})
			if err != nil {
				b.Fatal(err)
			}
			route := d.Routes()[0]
			peer := &rpc.Peer{Protocol: "mux", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}}
			info := rpc.CallInfo{Peer: peer, Method: route.Method,
				Metadata: rpc.Metadata{"authorization": {"Bearer " + billing}}}
			ctx := rpc.NewServerContext(context.Background(), info, time.Time{})
			b.ReportAllocs()
			for b.Loop() {
				c := route.NewCall()
				if f := route.Invoke(ctx, c, nil); f != nil {
					b.Fatal(f.Err)
				}
				c.Release()
			}
		})
	}
}
