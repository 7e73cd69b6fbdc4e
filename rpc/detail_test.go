package rpc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/rpc"
)

// WithDetails changes a copy, and copies of one error share nothing that either changes.
func TestWithDetails(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	none := rpc.Errorf(rpc.Aborted, "again: %w", cause)
	one := none.WithDetails(divide.NewInvalidOperation())
	two, other := one.WithDetails(&divide.InvalidOperation{Message: "two"}), one.WithDetails(
		&divide.InvalidOperation{Message: "other"})
	for i, e := range []*rpc.Error{none, one, two.For(&rpc.Method{}, rpc.OutcomeAnswered)} {
		if len(e.Details) != i || !errors.Is(e, cause) {
			t.Errorf("%v has %d details, want %d", e, len(e.Details), i)
		}
	}
	for want, e := range map[string]*rpc.Error{"two": two, "other": other} {
		var got divide.InvalidOperation
		if err := e.Details[1].Decode(&got); err != nil || got.Message != want {
			t.Errorf("%q, %v, want %q", got.Message, err, want)
		}
	}
}

// What comes over a network is bounded, has a name that can be shown, and is read when somebody asks.
func TestAppendDetail(t *testing.T) {
	t.Parallel()
	var details []rpc.Detail
	for range rpc.MaxDetails + 1 {
		var err error
		if details, err = rpc.AppendDetail(details, "calc.Quota", rpc.DetailWire, []byte{8, 5}); err != nil {
			t.Fatal(err)
		}
	}
	if len(details) != rpc.MaxDetails {
		t.Errorf("%d details", len(details))
	}
	for _, name := range []string{"", "a b", "é", "a\n", strings.Repeat("a", 257)} {
		if _, err := rpc.AppendDetail(nil, name, rpc.DetailWire, nil); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
	for _, size := range []int{rpc.MaxDetailBytes - 6, rpc.MaxDetailBytes - 5} {
		details, err := rpc.AppendDetail(nil, "a", rpc.DetailWire, make([]byte, size))
		if err != nil || len(details) == 1 != (size == rpc.MaxDetailBytes-6) {
			t.Errorf("%d bytes: %d details, %v", size, len(details), err)
		}
	}
	bad, err := rpc.AppendDetail(nil, "divide.InvalidOperation", rpc.DetailWire, []byte{0xff})
	if err != nil || (&rpc.Error{Details: bad}).Detail(new(divide.InvalidOperation)) {
		t.Errorf("what cannot be read is: %v", err)
	}
	for range rpc.DetailsOf[divide.InvalidOperation](&rpc.Error{Details: bad}) {
		t.Error("what cannot be read is given")
	}
	text, err := json.Marshal(bad)
	if want := `["divide.InvalidOperation (1 bytes)"]`; err != nil || string(text) != want ||
		fmt.Sprintf("%d", bad[0]) != want[2:len(want)-2] {
		t.Errorf("%s, %v and %d", text, err, bad[0])
	}
}
