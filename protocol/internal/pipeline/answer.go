package pipeline

import (
	"context"
	"fmt"

	"github.com/yodelrpc/yodel/rpc"
)

// ServeMessage answers one request that did not come over a connection of its protocol, such as the body of an HTTP
// request. It appends the answer to response and returns it with the code of a failed call, 0 for a result, and the
// context that the handler had, which knows what it chose for its answer; nil where none ran. That context ends with
// ctx; info says the rest of what it knows. Unless it is nil, admit is asked before the handler runs: it may wait, and
// its error is the call's.
func ServeMessage(ctx context.Context, codec ServerCodec, d *rpc.Dispatcher, info rpc.CallInfo, request,
	response []byte,
	admit func(*rpc.Route) *rpc.Error,
) ([]byte, rpc.Code, *rpc.ServerContext) {
	route, call, refused := decode(codec, d.Log, request, nil)
	if refused == nil && call == nil {
		refused = noStreams(route.Method, "http")
	}
	if refused != nil {
		return codec.AppendFailure(response, systemFailure(refused)), refused.Code, nil
	}
	defer call.Release()
	if admit != nil {
		if refused := admit(route); refused != nil {
			return codec.AppendFailure(response, systemFailure(refused)), refused.Code, nil
		}
	}
	info.Method = route.Method
	deadline, _ := ctx.Deadline()
	sc := rpc.NewServerContext(ctx, info, deadline)
	defer context.AfterFunc(ctx, func() { sc.Cancel(ctx.Err()) })()
	d.Running.Add(sc)
	defer d.Running.Remove(sc)
	defer sc.Cancel(context.Canceled) // deferred, for the handler may end this goroutine
	failure := route.Invoke(sc, call, nil)
	sc.Cancel(context.Canceled)
	a := answering{codec, d.Log, d.Limits.Message}
	response, code := a.append(response, call, failure, nil)
	return response, code, sc
}

// decode reads a request, which is partly generated code. Where that ends the goroutine, exited gets the refusal.
func decode(codec ServerCodec, log *rpc.Log, message []byte, exited func(*rpc.Error)) (route *rpc.Route, call *rpc.Call,
	refused *rpc.Error) {
	err := rpc.Guard{Log: log}.Run("what reads the request", func() error {
		route, call, refused = codec.Decode(message)
		return nil
	}, exited)
	switch {
	case err != nil:
		refused = err.(*rpc.Error)
	case refused != nil:
		refused = rpc.NewError(refused.Code, refused.Message) // an answer; errGoingAway alone has another outcome
	}
	return route, call, refused
}

// noStreams is rpc.NoStreams as an answer, whose outcome is that: "not started" would say that nothing runs of what
// follows on the connection.
func noStreams(m *rpc.Method, protocol string) *rpc.Error {
	e := rpc.NoStreams(m, protocol)
	return rpc.NewError(e.Code, e.Message)
}

// answering is how the answers of a server are written.
type answering struct {
	codec ServerCodec
	log   *rpc.Log
	limit int // of bytes of one
}

// append appends the answer to call, which failed with f or has its result, and returns it with the failure's code or
// 0. Where code of the answer's ends the goroutine, exited gets the answer that says so.
func (a answering) append(b []byte, call *rpc.Call, f *rpc.Failure, exited func(answer []byte)) (answer []byte,
	code rpc.Code) {
	refuse := func(e *rpc.Error) {
		answer, code = a.codec.AppendFailure(b, systemFailure(e)), e.Code
	}
	err := rpc.Guard{Log: a.log, Method: call.Method}.Run("what writes the answer", func() error {
		if f == nil {
			return a.result(&answer, b, call)
		}
		answer, code = a.failure(b, *f)
		return nil
	}, func(e *rpc.Error) {
		if refuse(e); exited != nil {
			exited(answer)
		}
	})
	if err != nil {
		refuse(err.(*rpc.Error))
	}
	return answer, code
}

// result sets answer to b with the result of call. Its error is an [rpc.Error].
func (a answering) result(answer *[]byte, b []byte, call *rpc.Call) (err error) {
	if *answer, err = a.codec.AppendResult(b, call); err != nil {
		return call.Method.Failure(err).Err
	}
	if n := len(*answer) - len(b); n > a.limit {
		return overLimit("result", n, a.limit)
	}
	return nil
}

func (a answering) failure(b []byte, f rpc.Failure) (answer []byte, code rpc.Code) {
	if answer = a.codec.AppendFailure(b, f); len(answer)-len(b) > a.limit {
		f = systemFailure(overLimit("error", len(answer)-len(b), a.limit))
		answer = a.codec.AppendFailure(b, f)
	}
	return answer, failureCode(f)
}

func overLimit(what string, n, limit int) *rpc.Error {
	return rpc.Errorf(rpc.ResourceExhausted, "the %s has %d bytes; the limit is %d", what, n, limit)
}

func systemFailure(err *rpc.Error) rpc.Failure { return rpc.Failure{Index: -1, Err: err} }

func failureCode(f rpc.Failure) rpc.Code {
	if f.Exception == nil {
		return f.Err.Code
	}
	_, code := f.Exception.YodelException()
	return code.Known()
}

// brokenError is the reason of a connection's end, for its log line or its calls.
func brokenError(address string, err error) *rpc.Error {
	return rpc.Errorf(rpc.Unavailable, "connection to %s lost: %w", address, err)
}

// slowError says that a message took too long to arrive, of which n bytes have.
func slowError(n int) error {
	return fmt.Errorf("a message was not whole in its time: %d bytes of it had come", n)
}
