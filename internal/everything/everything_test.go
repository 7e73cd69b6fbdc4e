package everything_test

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/internal/everything/common"
	"github.com/yodelrpc/yodel/rpc"
)

// A client is what its interface says, streams and options included.
var (
	_ everything.CalculatorCaller = (*everything.CalculatorClient)(nil)
	_ everything.Caller           = (*everything.Client)(nil)
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	want := everything.Defaults{
		Truth: true, Small: -7, Large: 9e9, Count: 3, Hash: math.MaxUint64, Ratio: 0.5, Score: 2.25, Name: "nobody",
		Token: []byte("abc"), Lasted: 90 * time.Second, Rounding: everything.RoundingDown,
	}
	if got := everything.NewDefaults(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if n := everything.NewNode(); !reflect.DeepEqual(n.Defaults, want) || n.Circle.Radius != 1.5 {
		t.Errorf("in a node: %+v", n)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	in := everything.NewNode()
	in.Value = everything.ValueRounding{Rounding: everything.RoundingFloor}
	in.Children = []everything.Node{everything.NewNode()}
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out everything.Node
	if err := json.Unmarshal(text, &out); err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%s gives %+v, %v", text, out, err)
	}
}

func TestEnumText(t *testing.T) {
	t.Parallel()
	var r everything.Rounding
	for text, want := range map[string]everything.Rounding{
		"HALF_EVEN": everything.RoundingHalfEven, "FLOOR": everything.RoundingFloor, "12": 12,
		"-2147483648": math.MinInt32,
	} {
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want || r.String() != text {
			t.Errorf("%s: got %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "half_even", "2147483648"} {
		if err := r.UnmarshalText([]byte(text)); err == nil ||
			!strings.Contains(err.Error(), "HALF_EVEN, DOWN, FLOOR") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestPrintingHidesSecrets(t *testing.T) {
	t.Parallel()
	a := everything.Account{User: "anna", Password: "hunter2"}
	list := []everything.Account{a}
	for _, text := range []string{
		fmt.Sprint(a), fmt.Sprint(&a), fmt.Sprintf("%+v", list), fmt.Sprintf("%#v", list), a.String(),
	} {
		if strings.Contains(text, "hunter2") || !strings.Contains(text, "anna") {
			t.Errorf("printed as %s", text)
		}
	}
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		exception rpc.Exception
		text      string
		name      string
		code      rpc.Code
	}{
		{everything.NewInvalidOperation(), "invalid operation", "everything.InvalidOperation", rpc.InvalidArgument},
		{&everything.InvalidOperation{Message: "no"}, "no", "everything.InvalidOperation", rpc.InvalidArgument},
		{new(everything.Silent), "silent", "everything.Silent", rpc.FailedPrecondition},
		{common.NewMissing(), "nothing there", "common.Missing", rpc.NotFound},
		{new(common.Missing), "missing", "common.Missing", rpc.NotFound},
	} {
		name, code := tt.exception.YodelException()
		if tt.exception.Error() != tt.text || name != tt.name || code != tt.code {
			t.Errorf("got %q, %s, %v; want %q", tt.exception, name, code, tt.text)
		}
	}
}
