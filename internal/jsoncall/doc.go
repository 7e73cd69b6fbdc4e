// Package jsoncall reads and writes calls as JSON objects, which protocol/line carries a line each and protocol/web as
// the bodies of HTTP requests. protocol/line/PROTOCOL.md says what they look like.
package jsoncall

import "github.com/yodelrpc/yodel/rpc"

// Protocol is the protocol's name, for messages and contexts.
const Protocol = "line"

func invalid(format string, args ...any) *rpc.Error {
	return rpc.Errorf(rpc.InvalidArgument, format, args...)
}
