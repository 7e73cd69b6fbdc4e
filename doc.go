// Package yodel is the front door: [Dial] a server, or make a [NewServer] and let it serve.
//
// A definition such as
//
//	float divide(1:int num1, 2:int num2=1) => InvalidOperation
//
// becomes Go by the yodel tool, which the command `yodel gen` runs. The generated package has a client, which calls
// through a channel, and an interface, which a handler implements. This is a client:
//
//	ch, err := yodel.Dial("127.0.0.1:8000")
//	defer ch.Close()
//	calc := divide.NewClient(ch)
//	val, err := calc.Divide(ctx, 200, divide.Num2(100))
//
// and this a server:
//
//	srv := yodel.NewServer(divide.NewService(handlers{}))
//	err := srv.ListenAndServe(ctx, "127.0.0.1:8000")
//
// # Protocols
//
// A server answers every protocol on its one port; the first bytes of a connection tell which it is. A client chooses
// by the scheme of the target: mux, which is the fast one and the default; or basic, line or http, which programs that
// know nothing of Yodel speak, too. Each folder below protocol/ has a PROTOCOL.md.
//
// # Errors
//
// A call that fails returns one of three kinds of error, never mixed: an exception that the definition declares, which
// is a generated type; a *[rpc.ContextError] where the caller's own context or deadline ended the call, for which
// errors.Is with context.Canceled or context.DeadlineExceeded holds; and a *[rpc.Error] for all else, with a code and
// an outcome: whether the call was answered, certainly never started, or may have run.
//
// # Promises
//
// A method runs at most once for each call, unless it is declared @idempotent. One client's trouble stays its own:
// whatever it sends, other connections notice nothing. Everything that a peer can make grow is bounded, by
// [rpc.Limits]. A server that shuts down finishes the calls that it has begun.
package yodel
