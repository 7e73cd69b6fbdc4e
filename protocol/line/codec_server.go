package line

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A serverCodec reads requests and writes answers for the methods of one dispatcher. Many goroutines may use it at
// once.
type serverCodec struct {
	lines
	d *rpc.Dispatcher
}

// newServerCodec returns the codec for the methods of d.
func newServerCodec(d *rpc.Dispatcher) *serverCodec {
	return &serverCodec{lines: lines{d.Limits.Message}, d: d}
}

// ServeMessage answers one request, which may be of several lines. It appends the answer, a line, to response and
// returns it with the code of a failed call, 0 for a result, and the context that the handler had. admit may be nil;
// see [pipeline.ServeMessage].
func (s *serverCodec) ServeMessage(ctx context.Context, info rpc.CallInfo, request, response []byte,
	admit func(*rpc.Route) *rpc.Error) (
	[]byte, rpc.Code, *rpc.ServerContext,
) {
	return pipeline.ServeMessage(ctx, s, s.d, info, request, response, admit)
}

// Decode reads a request.
func (s *serverCodec) Decode(message []byte) (*rpc.Route, *rpc.Call, *rpc.Error) {
	name, params, refused := s.request(message)
	if refused != nil {
		return nil, nil, refused
	}
	route, refused := s.d.Find([]byte(name))
	if refused != nil || !route.Unary() {
		return route, nil, refused
	}
	c := route.NewCall()
	if refused := readArguments(params, c.Args); refused != nil {
		c.Release()
		return nil, nil, refused
	}
	return route, c, nil
}

// DecodeArguments reads the arguments of a request whose answer is a stream.
func (s *serverCodec) DecodeArguments(message []byte, args rpc.Message) *rpc.Error {
	_, params, refused := s.request(message)
	if refused != nil {
		return refused
	}
	return readArguments(params, args)
}

func readArguments(params json.RawMessage, args rpc.Message) *rpc.Error {
	if isNull(params) {
		params = json.RawMessage("{}")
	}
	if err := wire.UnmarshalArguments(params, args); err != nil {
		return invalid("%w", within("params", err))
	}
	return nil
}

// request splits a request into the method's name and the arguments. Whatever else is there is refused, for a server
// that skipped it would run a call that differs from the one that was meant.
func (s *serverCodec) request(message []byte) (name string, params json.RawMessage, refused *rpc.Error) {
	var found request
	if err := wire.EachJSONMember(message, found.add); err != nil {
		return "", nil, invalid("%w", err)
	}
	name, refused = s.name(found.name)
	return name, found.params, refused
}

// A request is what stands in the members of one; nil for a member that is absent.
type request struct{ name, params json.RawMessage }

func (r *request) add(name, value []byte) error {
	switch string(name) {
	case "name":
		return once(&r.name, "name", value)
	case "params":
		return once(&r.params, "params", value)
	case "id":
		return errors.New(`"id" has no meaning: answers come in the order of the requests; a request is ` + requestForm)
	}
	return fmt.Errorf("%s has no meaning; a request is %s", rpc.Quote(string(name)), requestForm)
}

const requestForm = `{"name": "method", "params": {"parameter": value}}`

func (s *serverCodec) name(value json.RawMessage) (string, *rpc.Error) {
	if value == nil {
		return "", invalid(`"name" is missing; a request is %s`, requestForm)
	}
	var name *string
	if err := json.Unmarshal(value, &name); err != nil || name == nil {
		return "", invalid(`"name" is %s; it has to be the method's name in quotes`, rpc.Quote(string(value)))
	}
	if len(*name) > s.d.Limits.Name {
		return "", rpc.Errorf(rpc.ResourceExhausted, "the method's name has %d bytes; the limit is %d",
			len(*name), s.d.Limits.Name)
	}
	return *name, nil
}

// within says that err came up in the value of the named member.
func within(name string, err error) error {
	if e, ok := errors.AsType[*wire.JSONError](err); ok {
		return e.In(name)
	}
	return err
}

// AppendResult appends the answer that holds c.Result, with all its fields.
func (s *serverCodec) AppendResult(b []byte, c *rpc.Call) ([]byte, error) {
	if len(wire.TypeOf(c.Result).Fields) == 0 {
		return append(b, "{\"result\": null}\r\n"...), nil
	}
	return appendValue(b, resultKey, c.Result)
}

// AppendItem appends one message of a stream of results.
func (s *serverCodec) AppendItem(b []byte, m rpc.Message) ([]byte, error) {
	return appendValue(b, itemKey, m)
}

// AppendEnd appends the line behind the last one.
func (s *serverCodec) AppendEnd(b []byte) []byte { return append(b, "{\"end\": null}\r\n"...) }

// What stands in front of a result, and of one of a stream.
const (
	resultKey = `{"result": `
	itemKey   = `{"item": `
)

// appendValue appends a line with key in front of the one value of m, which is called result.
func appendValue(b []byte, key string, m rpc.Message) ([]byte, error) {
	const written = `{"result":` // by AppendFullJSON, which key replaces
	start := len(b)
	b, err := wire.AppendFullJSON(append(b, key[:max(len(key)-len(written), 0)]...), m)
	if err != nil {
		return nil, rpc.Errorf(rpc.Internal, "the result cannot be written: %w", err)
	}
	b = slices.Delete(b, start, start+max(len(written)-len(key), 0))
	copy(b[start:], key)
	return append(b, "\r\n"...), nil
}

// AppendFailure appends the answer for a failed call.
func (s *serverCodec) AppendFailure(b []byte, f rpc.Failure) []byte {
	if f.Exception != nil {
		answer, err := appendException(b, f.Exception)
		if err == nil {
			return answer
		}
		f.Err = rpc.Errorf(rpc.Internal, "the exception cannot be written: %w", err)
	}
	details, err := f.Err.EncodeDetails(rpc.DetailJSON, rpc.MaxDetailBytes, s.d.Log)
	if err != nil {
		f.Err = rpc.Errorf(rpc.Internal, "the error cannot be written: %w", err)
	}
	b = appendError(b, f.Err.Code.String(), f.Err.Message)
	b = appendDetails(b, details)
	if f.Err.Outcome == rpc.OutcomeNotStarted {
		b = append(b, `, "not_started": true`...)
	}
	return append(b, "}}\r\n"...)
}

// appendError appends an error up to where other fields may follow.
func appendError(b []byte, kind, message string) []byte {
	b = append(b, `{"error": {"type": `...)
	b = wire.AppendJSONString(b, kind)
	b = append(b, `, "message": `...)
	return wire.AppendJSONString(b, message)
}

func appendException(b []byte, e rpc.Exception) ([]byte, error) {
	x := pipeline.DescribeException(func() rpc.Exception { return e })
	b = appendError(b, x.Name, x.Text(wire.ValueOf(e)))
	if len(x.Rest) > 0 {
		fields, err := wire.AppendFullJSON(nil, e)
		if err != nil {
			return nil, err
		}
		all, err := split(fields)
		if err != nil {
			return nil, err
		}
		b = appendMembers(b, all)
	}
	return append(b, "}}\r\n"...), nil
}

// appendMembers appends members to an object that has a type and a message.
func appendMembers(b []byte, all []member) []byte {
	for _, m := range all {
		if m.name == "type" || m.name == "message" {
			continue
		}
		b = append(b, ", "...)
		b = wire.AppendJSONString(b, m.name)
		b = append(b, ": "...)
		b = append(b, m.value...)
	}
	return b
}
