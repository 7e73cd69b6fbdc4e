// Package inprocess carries calls to a server in the same process, without a network. A program gets at it by
// [yodel.Server.Channel]; what is here is a [Server], which answers calls with a dispatcher's methods, and the
// connections to it.
//
// A call goes as over a network: by the interceptors of both sides, with metadata and a deadline, to a handler on a
// goroutine and with a context of its own, and comes back as a result, a declared exception, or an error with its code,
// details and outcome. Nothing is shared between caller and handler. By default messages are copied; with
// Options.Serialize they are encoded and decoded, so that what cannot be encoded fails, and Limits.Message holds. What
// has no meaning without bytes has none here: of the limits Calls, CallTime, Metadata and, if messages are serialized,
// Message hold.
//
// No timer runs but that of deadlines, nothing waits for a network, and the goroutines are those of calls, so that a
// server and its channel work in a bubble of testing/synctest.
//
// [yodel.Server.Channel]: https://pkg.go.dev/github.com/yodelrpc/yodel#Server.Channel
package inprocess
