package bench

import (
	"strings"

	"github.com/yodelrpc/yodel/cmd/yodel/bench/load"
	"github.com/yodelrpc/yodel/cmd/yodel/internal/client"
	"github.com/yodelrpc/yodel/rpc"
)

// endingOf says what became of a call that returned err. Of a call whose connection broke or was never made the latency
// says nothing.
func endingOf(err error) load.Ending {
	if err == nil {
		return load.Ending{}
	}
	if name, _, _, ok := client.ExceptionOf(err); ok {
		return load.Ending{Exception: name}
	}
	f := client.FailureOf(err)
	return load.Ending{
		Code: f.Code.String(), Outcome: f.Outcome.String(), Message: oneLine(f.Message),
		Lost: f.Code == rpc.Unavailable && f.Outcome != rpc.OutcomeAnswered,
	}
}

// oneLine returns at most 200 characters of a message.
func oneLine(text string) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	return string(runes[:min(len(runes), 200)])
}
