package rpc

import "github.com/yodelrpc/yodel/wire"

// Fork returns a call of c's arguments with a result of its own, so that both travel at once, over two connections or
// over one: a hedge. To encode a message only reads it, and nobody changes the arguments while a fork is on its way.
// Who forks a call waits for each fork to return before c does, canceling those that have lost, since the arguments go
// back to their pool with c. Forks at the same time need contexts of their own where answers' metadata is wanted: see
// [WithAnswerMetadata].
//
// A stream's fork shares its Body, which runs once in all of them, also where an interceptor has put one in its place.
func (c *Call) Fork() *Call {
	f := &Call{Method: c.Method, Args: c.Args, Body: c.Body, Deadline: c.Deadline, Attempt: c.Attempt,
		Confidential: c.Confidential, begun: c.begun, stream: c.stream}
	if c.Result != nil {
		f.Result = wire.New(c.Result)
	}
	return f
}

// Adopt gives c the result of a fork that has returned, and its Peer and Attempt. The fork is of no use after that.
func (c *Call) Adopt(f *Call) {
	if c.Result != nil {
		wire.Move(c.Result, f.Result)
	}
	c.Peer, c.Attempt = f.Peer, f.Attempt
}
