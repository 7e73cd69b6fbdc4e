// Package rpc is the vocabulary of Yodel: what generated code, protocols and programs say to each other. It imports
// the packages wire and compress, and links nothing outside the standard library.
//
// # The way of a call
//
// On the client, generated code takes a [Call] from its method (method.go), fills the arguments and hands it to a
// [Channel] (conn.go). The channel runs the interceptors (service.go) and picks a link (packages balance and
// link), which has a connection; the [Conn] of a protocol encodes the arguments, sends them, and decodes the answer
// into the call.
//
// On the server, a protocol reads a method's name and asks the [Dispatcher] (dispatcher.go) for its [Route]. The
// route makes a Call, the protocol decodes the arguments into it, and [Route.Invoke] runs the interceptors and the
// handler under a [ServerContext] (server_context.go), where the server's [Authorizer] allows the call (authorizer.go)
// and its arguments keep to the definition's constraints (validate.go). What the handler returns becomes a result or a
// [Failure] (error.go), which the protocol encodes.
//
// A call with a stream goes the same way (streaming.go): its Body, the caller's loop or the handler, is run with the
// stream where the way ends, by [Call.Run].
//
// Meaning stops at this seam; below it there are bytes. Protocols encode a [Message] straight into a buffer of their
// own and decode it straight out of one. Calls, arguments and results are used again (method.go).
package rpc
