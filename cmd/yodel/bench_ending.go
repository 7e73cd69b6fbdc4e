package main

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/load"
	"github.com/yodelrpc/yodel/rpc"
)

// endingOf says what became of a call that returned err. Of a call whose connection broke or was never made the latency
// says nothing.
func endingOf(err error) load.Ending {
	if err == nil {
		return load.Ending{}
	}
	if x, ok := errors.AsType[*declared](err); ok {
		return load.Ending{Exception: x.name}
	}
	if e, ok := errors.AsType[*rpc.ContextError](err); ok {
		code := rpc.Canceled
		if errors.Is(e, context.DeadlineExceeded) {
			code = rpc.DeadlineExceeded
		}
		return load.Ending{Code: code.String(), Outcome: e.Outcome.String(), Message: "no answer in time"}
	}
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok {
		e = rpc.Errorf(rpc.Unknown, "%w", err)
	}
	return load.Ending{
		Code: e.Code.String(), Outcome: e.Outcome.String(), Message: printable(e.Message),
		Lost: e.Code == rpc.Unavailable && e.Outcome != rpc.OutcomeAnswered,
	}
}

// printable returns what a server said as it may stand on a terminal, at most 200 characters of it.
func printable(text string) string {
	runes := []rune(text)
	shown := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, string(runes[:min(len(runes), 200)]))
	return shown
}
