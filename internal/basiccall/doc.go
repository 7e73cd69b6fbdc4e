// Package basiccall reads and writes the messages of the basic protocol, which protocol/basic carries over connections of
// its own and protocol/web as the bodies of HTTP requests. protocol/basic/PROTOCOL.md says what they look like.
package basiccall

import (
	"encoding/binary"

	"github.com/yodelrpc/yodel/rpc"
)

// Protocol is the protocol's name, for messages and contexts.
const Protocol = "basic"

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
