// Package pipeline carries calls over a connection on which answers come in the order of the requests, so that requests
// can be sent before the answers of earlier ones are there. It is what the basic and the line protocol have in common:
// [Conn] is the client's end, [Server] the other; how a message looks is the business of a codec.
package pipeline

import (
	"context"

	"github.com/yodelrpc/yodel/rpc"
)

// A Framer finds where messages end.
type Framer interface {
	// Frame returns where the first message of buf lies: buf[start:end]. An end of 0 means that bytes are still
	// missing; start equal to end that buf[:end] is filler between messages. The first seen bytes of buf were there
	// when Frame last asked for more. After an error nobody can tell where the next message begins.
	Frame(buf []byte, seen int) (start, end int, err *rpc.Error)
}

// A ServerCodec reads requests and writes answers. It is used by many goroutines at once.
type ServerCodec interface {
	Framer
	// Decode reads a request. It keeps nothing of message. The caller releases the call, which is nil for a method
	// with a stream.
	Decode(message []byte) (*rpc.Route, *rpc.Call, *rpc.Error)
	// AppendResult appends the answer that holds c.Result. After an error what it returns is of no use.
	AppendResult(b []byte, c *rpc.Call) ([]byte, error)
	// AppendFailure appends the answer for a failed call.
	AppendFailure(b []byte, f rpc.Failure) []byte
}

// A StreamCodec is a ServerCodec that can write a stream of results: any number of items, and then an end or a failure.
type StreamCodec interface {
	ServerCodec
	// DecodeArguments reads the arguments out of a request that Decode has read. It keeps nothing of message.
	DecodeArguments(message []byte, args rpc.Message) *rpc.Error
	// AppendItem appends one result. After an error what it returns is of no use.
	AppendItem(b []byte, m rpc.Message) ([]byte, error)
	// AppendEnd appends what a stream ends with whose handler has succeeded.
	AppendEnd(b []byte) []byte
}

// A ClientCodec writes requests. It is used by one goroutine at a time.
type ClientCodec interface {
	// Streams reports whether its answers are StreamAnswers. It may be called by many goroutines at once.
	Streams() bool
	// AppendRequest appends the request of c, and returns what reads its answer. It keeps nothing of c.
	AppendRequest(b []byte, c *rpc.Call) ([]byte, Answer, *rpc.Error)
}

// An Answer reads the answers of one method. It is used by one goroutine at a time.
type Answer interface {
	Framer
	// Decode reads an answer into c.Result, or returns the declared exception or the *rpc.Error that it is. It keeps
	// nothing of message. Of a method whose result is a stream it reads what ends that, and leaves c.Result alone.
	Decode(message []byte, c *rpc.Call) error
}

// A StreamAnswer is an Answer that can read a stream of results. Whether a message is one of them, IsItem says: any
// other ends the stream, and is for Decode.
type StreamAnswer interface {
	Answer
	IsItem(message []byte) bool
	// DecodeItem reads one result. It is called by the caller's goroutine.
	DecodeItem(message []byte, m rpc.Message) error
}

// A BodyCodec is a ServerCodec whose messages others carry too, as the bodies of HTTP requests.
type BodyCodec interface {
	ServerCodec
	// ServeMessage answers one request, of which request holds all bytes; see the function [ServeMessage].
	ServeMessage(ctx context.Context, info rpc.CallInfo, request, response []byte, admit func(*rpc.Route) *rpc.Error) (
		[]byte, rpc.Code, *rpc.ServerContext)
}

// A Format is how a protocol writes one call, for another protocol that carries it. All fields are set.
type Format struct {
	Name      string // of the protocol
	NewServer func(*rpc.Dispatcher) BodyCodec
	NewClient func(rpc.Limits) ClientCodec

	// ContentTypes are the names of the format as a media type. The answer has that of its request, unless the format
	// says another.
	ContentTypes []string
	AnswerType   string
}
