package basic

import (
	"encoding/binary"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// protocolName is the protocol's name, for messages and contexts.
const protocolName = "basic"

// What the first byte of an answer says. The declared exceptions have the numbers between the two.
const (
	statusResult         = 1
	statusFirstException = 2
	statusSystem         = 255
)

var order = binary.BigEndian

func invalid(format string, args ...any) *rpc.Error {
	return rpc.Errorf(rpc.InvalidArgument, format, args...)
}

// Format is how the protocol writes a call, for package web, which carries it as the body of an HTTP request.
func Format() pipeline.Format {
	return pipeline.Format{
		Name:         protocolName,
		NewServer:    func(d *rpc.Dispatcher) pipeline.BodyCodec { return newServerCodec(d) },
		NewClient:    func(l rpc.Limits) pipeline.ClientCodec { return newClientCodec(l) },
		ContentTypes: []string{"application/octet-stream", "binary"},
	}
}
