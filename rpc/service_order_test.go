package rpc_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/yodelrpc/yodel/internal/constraints"
	"github.com/yodelrpc/yodel/rpc"
)

// A service's own interceptors see what is to be checked, unary or in a stream: constraints are checked behind them,
// next to the handler, whatever they make of the arguments.
func TestConstraintsAreCheckedBehindAServicesInterceptors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		own := func(next rpc.CallFunc) rpc.CallFunc {
			return func(ctx context.Context, c *rpc.Call) error {
				seen = append(seen, c.Method.Name)
				return next(ctx, c)
			}
		}
		c := constraints.NewCheckedClient(newMemory(t, constraints.NewCheckedService(checked{}).With(own, own)))
		d := dispatcher(t, nil, constraints.NewCheckedService(checked{}).With(own).With(own))
		route, unknown := d.Find([]byte("constraints.Checked/args"))
		if unknown != nil {
			t.Fatal(unknown)
		}
		if f := route.Invoke(t.Context(), route.NewCall(), nil); f == nil || f.Err.Code != rpc.InvalidArgument {
			t.Errorf("a unary call whose arguments are all zero: %v", f)
		}
		_, err := collect(c.Count(t.Context(), 4))
		if got := violated(t, err); !slices.Equal(got, []string{"to MAX"}) {
			t.Errorf("a stream: %q", got)
		}
		if want := []string{"args", "args", "count", "count"}; !slices.Equal(seen, want) {
			t.Errorf("the service's interceptors saw %q, want %q", seen, want)
		}
	})
}
