package everything_test

import (
	"context"
	"testing"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// Optional bytes that are there and empty are so in every format: neither nil, nor absent.
func TestEmptyBytesStayPresent(t *testing.T) {
	t.Parallel()
	in := everything.Optionals{Token: new([]byte{})}
	for name, copied := range map[string]func(*everything.Optionals) error{
		"wire": func(out *everything.Optionals) error {
			data, err := wire.Marshal(&in)
			if err != nil {
				return err
			}
			return wire.Unmarshal(data, out)
		},
		"json": func(out *everything.Optionals) error {
			text, err := in.MarshalJSON()
			if err != nil {
				return err
			}
			return out.UnmarshalJSON(text)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out everything.Optionals
			if err := copied(&out); err != nil {
				t.Fatal(err)
			}
			checkEmptyToken(t, out)
		})
	}
}

func checkEmptyToken(t *testing.T, m everything.Optionals) {
	t.Helper()
	if m.Token == nil || *m.Token == nil || len(*m.Token) != 0 {
		t.Errorf("token is %v, want present and empty", m.Token)
	}
}

// optionals answers with what it gets.
type optionals struct {
	everything.CalculatorHandler
	t *testing.T
}

func (o optionals) Optionals(_ context.Context, m everything.Optionals) (everything.Optionals, error) {
	checkEmptyToken(o.t, m)
	return m, nil
}

func TestEmptyBytesStayPresentInBasic(t *testing.T) {
	t.Parallel()
	services := []*rpc.Service{everything.NewCalculatorService(optionals{t: t})}
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const value = "\x00\x00\x00\x05" + "\x09\x00\x00\x00\x00"
	request := "\x00\x00\x00\x09optionals" + "\x00\x00\x00\x0a\x01" + value
	answer, _, _ := basic.Format().NewServer(d).ServeMessage(t.Context(), rpc.CallInfo{Peer: new(rpc.Peer)},
		[]byte(request), nil, nil)
	if string(answer) != "\x01"+value {
		t.Errorf("the answer is %q", answer)
	}
}
