package rpc_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

// An error is of one kind, whatever it was caused by.
func TestKindsDoNotMix(t *testing.T) {
	t.Parallel()
	m := &rpc.Method{Service: "test.Test", Name: "once"}
	lost := rpc.Errorf(rpc.Unavailable, "lost: %w", io.ErrUnexpectedEOF)
	for _, cause := range []error{nil, io.EOF, lost, context.Canceled, context.DeadlineExceeded,
		os.ErrDeadlineExceeded} {
		var err error = rpc.Errorf(rpc.Unavailable, "no connection: %w", cause)
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v is taken for the end of the caller's context", err)
		}
		if cause == io.EOF && !errors.Is(err, io.EOF) {
			t.Errorf("%v hides its cause", err)
		}
		err = rpc.NewContextError(m, rpc.OutcomeNotStarted, context.Canceled, cause)
		if _, ok := errors.AsType[*rpc.Error](err); ok || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v is taken for an error of another kind", err)
		}
		if !errors.Is(err, context.Canceled) || cause == io.EOF && !errors.Is(err, io.EOF) {
			t.Errorf("%v hides its cause", err)
		}
	}
}
