package pipeline

import (
	"context"
	"fmt"

	"github.com/yodelrpc/yodel/rpc"
)

// ServeMessage answers one request that did not come over a connection of its protocol, such as the body of an HTTP
// request. It appends the answer to response and returns it with the code of a failed call, 0 for a result, and the
// metadata that the handler sent. The handler's context ends with ctx; info says the rest of what it knows.
func ServeMessage(ctx context.Context, codec ServerCodec, d *rpc.Dispatcher, info rpc.CallInfo, request, response []byte) (
	[]byte, rpc.Code, rpc.Metadata,
) {
	route, call, refused := decode(codec, d.Log, info, request)
	if refused != nil {
		return codec.AppendFailure(response, systemFailure(refused)), refused.Code, nil
	}
	defer call.Release()
	info.Method = route.Method
	deadline, _ := ctx.Deadline()
	sc := rpc.NewServerContext(ctx, info, deadline)
	stop := context.AfterFunc(ctx, func() { sc.Cancel(ctx.Err()) })
	err := route.Invoke(sc, call)
	stop()
	sc.Cancel(context.Canceled)
	response, code := appendAnswer(codec, d.Limits.Message, response, call, err)
	return response, code, sc.AnswerMetadata()
}

// decode turns a panic in what reads the arguments, which is partly generated code, into an error.
func decode(codec ServerCodec, log *rpc.Log, info rpc.CallInfo, message []byte) (
	route *rpc.Route, call *rpc.Call, refused *rpc.Error,
) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("reading a request panicked", "protocol", info.Protocol, "peer", info.Addr, "panic", p)
			refused = rpc.NewError(rpc.Internal, "the request made the server panic; its log says where")
		}
	}()
	route, call, refused = codec.Decode(message)
	if refused != nil {
		refused = rpc.NewError(refused.Code, refused.Message) // an answer; errGoingAway alone has another outcome
	}
	return route, call, refused
}

// appendAnswer appends the answer to call, whose handler returned err, and returns it with the failure's code or 0.
func appendAnswer(codec ServerCodec, limit int, b []byte, call *rpc.Call, err error) (answer []byte, code rpc.Code) {
	if err == nil {
		if answer, err = appendResult(codec, limit, b, call); err == nil {
			return answer, 0
		}
	}
	return appendFailure(codec, limit, b, call.Method, err)
}

// appendFailure turns a panic in what writes the failure, such as an exception that is a nil pointer, into an error.
func appendFailure(codec ServerCodec, limit int, b []byte, m *rpc.Method, err error) (answer []byte, code rpc.Code) {
	defer func() {
		if p := recover(); p != nil {
			f := systemFailure(rpc.Errorf(rpc.Internal, "the error that the handler returned cannot be written: %v", p))
			answer, code = codec.AppendFailure(b, f), failureCode(f)
		}
	}()
	f := m.Failure(err)
	if answer = codec.AppendFailure(b, f); len(answer)-len(b) > limit {
		f = systemFailure(overLimit("error", len(answer)-len(b), limit))
		answer = codec.AppendFailure(b, f)
	}
	return answer, failureCode(f)
}

// appendResult turns a panic in what writes the result, which is partly the user's code, into an error.
func appendResult(codec ServerCodec, limit int, b []byte, call *rpc.Call) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = rpc.Errorf(rpc.Internal, "the result cannot be written: %v", p)
		}
	}()
	answer, err = codec.AppendResult(b, call)
	if n := len(answer) - len(b); err == nil && n > limit {
		return nil, overLimit("result", n, limit)
	}
	return answer, err
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
	return code
}

// brokenError is the reason of a connection's end, for its log line or its calls.
func brokenError(address string, err error) *rpc.Error {
	return rpc.Errorf(rpc.Unavailable, "connection to %s lost: %w", address, err)
}

// slowError says that a message took too long to arrive, of which n bytes have.
func slowError(n int) error {
	return fmt.Errorf("a message was not whole in its time: %d bytes of it had come", n)
}
