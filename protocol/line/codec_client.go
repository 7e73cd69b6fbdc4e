package line

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A clientCodec writes requests. One goroutine at a time uses it.
type clientCodec struct {
	limits  rpc.Limits
	methods map[*rpc.Method]*answer
}

// An answer reads the answers of one method.
type answer struct {
	lines
	opening    []byte // of the method's requests, up to the arguments
	exceptions []*pipeline.Exception
}

// newClientCodec returns a codec that sends and accepts lines within the limits.
func newClientCodec(limits rpc.Limits) *clientCodec {
	return &clientCodec{limits: limits, methods: make(map[*rpc.Method]*answer)}
}

// Streams implements [pipeline.ClientCodec]: results may be streams.
func (c *clientCodec) Streams() bool { return true }

// AppendRequest appends the request of c.
func (c *clientCodec) AppendRequest(b []byte, call *rpc.Call) ([]byte, pipeline.Answer, *rpc.Error) {
	start, a := len(b), c.answer(call.Method)
	b = append(b, a.opening...)
	b, err := wire.AppendJSON(b, call.Args)
	if err != nil {
		return b, nil, invalid("the arguments cannot be written: %w", err)
	}
	b = append(b, "}\r\n"...)
	if n := len(b) - start; n > c.limits.Message {
		return b, nil, rpc.Errorf(rpc.ResourceExhausted, "the request has %d bytes; the limit is %d", n,
			c.limits.Message)
	}
	return b, a, nil
}

func (c *clientCodec) answer(m *rpc.Method) *answer {
	a, ok := c.methods[m]
	if !ok {
		opening := wire.AppendJSONString([]byte(`{"name": `), pipeline.CallName(m))
		a = &answer{lines: lines{c.limits.Message}, opening: append(opening, `, "params": `...)}
		for _, newException := range m.Exceptions {
			a.exceptions = append(a.exceptions, pipeline.DescribeException(newException))
		}
		c.methods[m] = a
	}
	return a
}

// Decode reads an answer.
func (a *answer) Decode(message []byte, c *rpc.Call) error {
	var result, failure, end, item json.RawMessage
	err := wire.EachJSONMember(message, func(name, value []byte) error {
		switch string(name) {
		case "result":
			return once(&result, "result", value)
		case "error":
			return once(&failure, "error", value)
		case "end":
			return once(&end, "end", value)
		case "item":
			return once(&item, "item", value)
		}
		return nil // of a newer server
	})
	if err != nil {
		return unreadable(err)
	}
	switch {
	case !isNull(failure):
		return a.failure(failure)
	case c.Method.ServerStream && end == nil:
		return unreadable(errors.New(`it has none of "item", "end" and "error"`))
	case c.Method.ServerStream:
		return nil
	case item != nil || end != nil:
		return unreadable(errors.New("it is a stream, of which this side's definition, if there is one, does not know"))
	case result == nil:
		return unreadable(errors.New(`it has neither "result" nor "error"`))
	}
	if err := wire.UnmarshalJSON(message, c.Result); err != nil {
		return unreadable(err)
	}
	return nil
}

// IsItem reports whether an answer is one message of a stream of results.
func (a *answer) IsItem(message []byte) bool {
	item := false
	err := wire.EachJSONMember(message, func(name, _ []byte) error {
		item = item || string(name) == "item"
		return nil
	})
	return item && err == nil
}

// DecodeItem reads one message of a stream of results.
func (a *answer) DecodeItem(message []byte, m rpc.Message) error {
	var item json.RawMessage
	err := wire.EachJSONMember(message, func(name, value []byte) error {
		if string(name) != "item" {
			return nil // of a newer server
		}
		return once(&item, "item", value)
	})
	if err != nil {
		return unreadable(err)
	}
	b := append(append([]byte(`{"result":`), item...), '}')
	if err := wire.UnmarshalJSON(b, m); err != nil {
		return unreadable(err)
	}
	return nil
}

func unreadable(err error) error {
	return rpc.Errorf(rpc.Internal, "the answer cannot be read: %w", err)
}

// failure reads the value of "error".
func (a *answer) failure(value json.RawMessage) error {
	all, err := split(value)
	if err != nil {
		return unreadable(fmt.Errorf("error: %w", err))
	}
	var kind, text string
	var details json.RawMessage
	refused := false
	for _, m := range all {
		switch m.name {
		case "type":
			err = json.Unmarshal(m.value, &kind)
		case "message":
			_ = json.Unmarshal(m.value, &text) // it is a field of the exception where it is not a string
		case "details":
			details = m.value // an exception may have a field of that name
		case "not_started":
			refused = string(m.value) == "true"
		}
		if err != nil {
			return unreadable(fmt.Errorf("error.type is %s and not a string", rpc.Quote(string(m.value))))
		}
	}
	bare := kind[strings.LastIndexByte(kind, '.')+1:]
	for _, x := range a.exceptions {
		if x.Name == bare {
			return readException(x, all)
		}
	}
	if code, ok := rpc.ParseCode(kind); ok {
		e := rpc.NewError(code, text)
		if e.Details, err = readDetails(details); err != nil {
			return unreadable(fmt.Errorf("error.details: %w", err))
		}
		if refused {
			e.Outcome = rpc.OutcomeNotStarted
		}
		return e
	}
	switch {
	case kind == "":
		return rpc.NewError(rpc.Unknown, text)
	case strings.Trim(kind, nameLetters) != "":
		return rpc.Errorf(rpc.Unknown, "%s: %s", rpc.Quote(kind), text)
	}
	return rpc.Errorf(rpc.Unknown, "%w", &rpc.UndeclaredException{Name: kind, Message: text, Fields: otherFields(all)})
}

// nameLetters are those of the names of exceptions.
const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."

// otherFields returns the members of an error beside its type and its message as an object, or nil.
func otherFields(all []member) []byte {
	var b []byte
	for _, m := range all {
		if m.name == "type" || m.name == "message" {
			continue
		}
		b = append(b, ","...)
		b = append(append(wire.AppendJSONString(b, m.name), ':'), m.value...)
	}
	if b == nil {
		return nil
	}
	b[0] = '{'
	return append(b, '}')
}

// readException reads the members of an error as the exception x. The names type and message are the protocol's own: of
// fields so called only the message that is a string travels.
func readException(x *pipeline.Exception, all []member) error {
	b := []byte{'{'}
	for _, m := range all {
		if m.name == "type" || m.name == "message" && x.Message == nil {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(wire.AppendJSONString(b, m.name), ':'), m.value...)
	}
	e := x.New()
	if err := wire.UnmarshalJSON(append(b, '}'), e); err != nil {
		return unreadable(within("error", err))
	}
	return e
}
