package basic_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/internal/pipelinetest"
	"github.com/yodelrpc/yodel/rpc"
)

func TestServeMessage(t *testing.T) {
	t.Parallel()
	codec := basic.Format().NewServer(pipelinetest.NewDispatcher(t, rpc.ServerLimits{}))
	const good = "\x00\x00\x00\x06divide\x00\x00\x00\x05\x01\x00\x00\x00\x64"
	for name, test := range map[string]struct {
		request string
		answer  string // begins like this
		code    rpc.Code
	}{
		"result": {good, "head\x01\x42\xc8\x00\x00", 0},
		"exception": {good[:13] + "\x0a" + good[14:] + "\x02\x00\x00\x00\x00",
			"head\x02\x00\x00\x00\x11invalid operation", rpc.FailedPrecondition},
		"too short":    {good[:len(good)-1], "head\xff", rpc.InvalidArgument},
		"too long":     {good + "x", "head\xff", rpc.InvalidArgument},
		"nothing":      {"", "head\xff", rpc.InvalidArgument},
		"over a limit": {"\xff\xff\xff\xff", "head\xff", rpc.ResourceExhausted},
		"unknown":      {"\x00\x00\x00\x01x\x00\x00\x00\x00", "head\xff", rpc.Unimplemented},
		"handler fails": {"\x00\x00\x00\x07strings\x00\x00\x00\x0e\x01\x00\x00\x00\x09not found", "head\xff",
			rpc.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer, code, _ := codec.ServeMessage(t.Context(), rpc.CallInfo{Peer: new(rpc.Peer)}, []byte(test.request),
				[]byte("head"), nil)
			if !strings.HasPrefix(string(answer), test.answer) || code != test.code {
				t.Errorf("answer is %q with code %v, want %q with code %v", answer, code, test.answer, test.code)
			}
		})
	}
}

// TestServeMessageContext ends the context of a message, and with it the handler's.
func TestServeMessageContext(t *testing.T) {
	t.Parallel()
	codec := basic.Format().NewServer(pipelinetest.NewDispatcher(t, rpc.ServerLimits{}))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the request is over"))
	request := "\x00\x00\x00\x07strings\x00\x00\x00\x0f\x01\x00\x00\x00\x0auntil done"
	if _, code, _ := codec.ServeMessage(ctx, rpc.CallInfo{Peer: new(rpc.Peer)}, []byte(request), nil,
		nil); code != rpc.Canceled {
		t.Errorf("code is %v", code)
	}
}
