package line

import (
	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// protocolName is the protocol's name, for messages and contexts.
const protocolName = "line"

func invalid(format string, args ...any) *rpc.Error {
	return rpc.Errorf(rpc.InvalidArgument, format, args...)
}

// Format is how the protocol writes a call, for package web, which carries it as the body of an HTTP request. JSON is
// also what curl -d sends under the name of a form. (Pages of other origins cannot make a browser send that: see
// [net/http.CrossOriginProtection].)
func Format() pipeline.Format {
	return pipeline.Format{
		Name:         protocolName,
		NewServer:    func(d *rpc.Dispatcher) pipeline.BodyCodec { return newServerCodec(d) },
		NewClient:    func(l rpc.Limits) pipeline.ClientCodec { return newClientCodec(l) },
		ContentTypes: []string{"application/json", "application/x-www-form-urlencoded"},
		AnswerType:   "application/json",
	}
}
