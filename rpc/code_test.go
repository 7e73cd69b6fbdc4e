package rpc_test

import (
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

// A number that is no code is unknown, here and for the caller.
func TestNumbersThatAreNoCode(t *testing.T) {
	t.Parallel()
	m := &rpc.Method{Service: "test.Test", Name: "once"}
	for _, code := range []rpc.Code{0, rpc.Unauthenticated + 1, 200, 255} {
		for _, e := range []*rpc.Error{rpc.NewError(code, "text"), rpc.Errorf(code, "%s", "text"),
			{Code: code, Message: "text"}} {
			if e.Error() != "unknown: text" {
				t.Errorf("an error of code %d reads %q", uint8(code), e.Error())
			}
			if f := m.Failure(e); f.Err.Code != rpc.Unknown || f.Err.Message != "text" {
				t.Errorf("code %d is answered as %v", uint8(code), f.Err)
			}
		}
	}
}
