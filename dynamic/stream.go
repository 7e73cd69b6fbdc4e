package dynamic

import (
	"context"
	"io"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A Stream is a call with a stream, at its caller. One goroutine may send while another receives. It lives as long as
// the function that was given it.
type Stream struct {
	method *Method
	stream rpc.Stream
}

// Stream calls a method with a stream, in either direction or both, through ch: it sends args, of which the parameter
// that is a stream is left alone, and runs body, which sends and receives what streams. However body ends, the call has
// ended when Stream returns, with body's error or, where that is io.EOF, with what a Recv says of the stream. It does
// not send arguments that [Method.Check] finds fault with.
func (m *Method) Stream(ctx context.Context, ch rpc.Channel, args *Message,
	body func(ctx context.Context, s *Stream) error) error {
	if !m.Streams() {
		return rpc.Errorf(rpc.Unimplemented, "%s has no stream; Call makes a call of it", m.schema.Name).
			For(&m.rpc, rpc.OutcomeNotStarted)
	}
	if err := m.Check(args); err != nil {
		return err
	}
	return ch.Call(ctx, rpc.NewStreamCall(&m.rpc, func(ctx context.Context, stream rpc.Stream) error {
		if !m.rpc.ClientStream || len(m.args.Fields) > 1 {
			if err := stream.Send(ctx, args); err != nil && err != io.EOF { // Recv says why it has ended
				return err
			}
		}
		s := &Stream{m, stream}
		if !m.rpc.ClientStream {
			if err := s.CloseSend(); err != nil {
				return err
			}
		}
		if err := body(ctx, s); err != io.EOF {
			return err
		}
		return s.reason(ctx)
	}))
}

// reason returns what a stream that takes no more elements, or has no more results, has ended with.
func (s *Stream) reason(ctx context.Context) error {
	for {
		if _, err := s.recv(ctx); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Send sends one element, as [Message.Set] takes values. It returns io.EOF once the stream has ended; Recv says why.
func (s *Stream) Send(ctx context.Context, element any) error {
	m := s.method.NewArgs()
	if err := s.element(); err != nil {
		return err
	}
	if err := m.Set(s.method.schema.StreamParam.Name, element); err != nil {
		return s.invalid(err)
	}
	return s.stream.Send(ctx, m)
}

// SendJSON is Send for an element as JSON.
func (s *Stream) SendJSON(ctx context.Context, element []byte) error {
	m := s.method.NewArgs()
	if err := s.element(); err != nil {
		return err
	}
	text := wire.AppendJSONString([]byte{'{'}, s.method.schema.StreamParam.Name)
	text = append(append(append(text, ':'), element...), '}')
	if err := wire.UnmarshalJSON(text, m); err != nil {
		return s.invalid(err)
	}
	return s.stream.Send(ctx, m)
}

// element returns an error where the method takes no stream.
func (s *Stream) element() error {
	if s.method.rpc.ClientStream {
		return nil
	}
	return rpc.Errorf(rpc.FailedPrecondition, "%s takes no stream", s.method.schema.Name).
		For(&s.method.rpc, rpc.OutcomeUnknown)
}

func (s *Stream) invalid(err error) error {
	return rpc.Errorf(rpc.InvalidArgument, "%w", err).For(&s.method.rpc, rpc.OutcomeUnknown)
}

// CloseSend says that no more elements will be sent.
func (s *Stream) CloseSend() error { return s.stream.CloseSend() }

// Recv returns the next result, as [Message.Get] returns values, and io.EOF behind the last. Of a method whose result
// is no stream there is one; it is nil where the method returns nothing. An exception is an [*Exception].
func (s *Stream) Recv(ctx context.Context) (any, error) {
	m, err := s.recv(ctx)
	if err != nil || len(s.method.result.Fields) == 0 {
		return nil, err
	}
	v, _ := m.Get("result")
	return v, nil
}

// RecvJSON is Recv for JSON, with all fields, which it appends to b; null for a method that returns nothing.
func (s *Stream) RecvJSON(ctx context.Context, b []byte) ([]byte, error) {
	m, err := s.recv(ctx)
	if err != nil {
		return b, err
	}
	return s.method.AppendResult(b, &rpc.Call{Method: &s.method.rpc, Result: m})
}

func (s *Stream) recv(ctx context.Context) (*Message, error) {
	m := (*Message)(wire.NewRecord(s.method.result))
	return m, s.stream.Recv(ctx, m)
}

// missing returns the name of a required parameter that args lacks, or "".
func (m *Method) missing(args *Message) string {
	for _, p := range m.schema.Params {
		if p.Required && !args.Has(p.Name) {
			return p.Name
		}
	}
	return ""
}
