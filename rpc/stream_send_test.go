package rpc_test

import (
	"slices"
	"testing"

	"github.com/yodelrpc/yodel/internal/everything"
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
