package rpc_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

// An element that cannot be written ends the stream with the reason; the server does not wait for the next one.
func TestStreamElementThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		items := slices.Values([]everything.Scalars{{}, {Name: "\xff"}, {}})
		err := c.Drain(t.Context(), items)
		if err == nil {
			t.Error("no error")
		}
	})
}

// The elements come from the caller's code, but not in the caller's goroutine: what happens there must neither end the
// program nor leave the stream waiting.
func TestStreamElementsThatFail(t *testing.T) {
	t.Parallel()
	streams(t, func(t *testing.T, c *everything.CalculatorClient) {
		for name, fail := range faults {
			_, err := c.Sum(t.Context(), func(yield func(int32) bool) {
				yield(1)
				fail()
			})
			e, ok := errors.AsType[*rpc.Error](err)
			if !ok || e.Code != rpc.Internal || e.Outcome != rpc.OutcomeUnknown ||
				name == "panic" && !strings.Contains(e.Message, "a panic") {
				t.Errorf("%s: the call that was to send them returned %v", name, err)
			}
		}
	})
}
