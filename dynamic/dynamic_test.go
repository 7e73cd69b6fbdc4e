package dynamic_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/rpc"
)

const divideText = "float divide(1:int num1, 2:int num2=1) => InvalidOperation\n"

// load returns what a definition declares.
func load(t testing.TB, name, text string) *dynamic.Package {
	t.Helper()
	files, diags := check.Files(func(string) ([]byte, error) { return []byte(text), nil }, name)
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	p, err := dynamic.Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serve serves at an address of its own, until the test has ended.
func serve(t testing.TB, services ...*rpc.Service) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := yodel.NewServer(services...)
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return ln.Addr().String()
}

func dial(t testing.TB, target string) *yodel.Channel {
	t.Helper()
	ch, err := yodel.Dial(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	return ch
}

// overEach runs a test over each protocol.
func overEach(t *testing.T, test func(t *testing.T, scheme string)) {
	for _, scheme := range []string{"mux", "basic", "line", "http"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			test(t, scheme+"://")
		})
	}
}

type divider struct{}

func (divider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	switch num2 {
	case 0:
		return 0, &divide.InvalidOperation{Message: "by nothing"}
	case -1:
		return 0, rpc.NewError(rpc.ResourceExhausted, "too negative")
	}
	return float32(num1) / float32(num2), nil
}

func TestClient(t *testing.T) {
	t.Parallel()
	p := load(t, "divide.yodel", divideText)
	overEach(t, func(t *testing.T, scheme string) {
		ctx := t.Context()
		client := dynamic.NewClient(dial(t, scheme+serve(t, divide.NewService(divider{}))), p)
		got, err := client.Call(ctx, "divide", map[string]any{"num1": 200, "num2": int64(100)})
		if got != float32(2) || err != nil {
			t.Errorf("divide(200, 100) = %v, %v", got, err)
		}
		text, err := client.CallJSON(ctx, "divide.Divide/divide", []byte(`{"num1": 200}`))
		if string(text) != "200" || err != nil {
			t.Errorf("divide(200) = %s, %v", text, err)
		}
		_, err = client.Call(ctx, "divide", map[string]any{"num1": 1, "num2": 0})
		var invalid *dynamic.Exception
		if !errors.As(err, &invalid) || invalid.Name() != "divide.InvalidOperation" ||
			invalid.Error() != "by nothing" ||
			invalid.Code() != rpc.FailedPrecondition {
			t.Errorf("divide(1, 0): %v", err)
		} else if message, err := invalid.Get("message"); message != "by nothing" || err != nil {
			t.Errorf("its message is %v, %v", message, err)
		}
		_, err = client.Call(ctx, "divide", map[string]any{"num1": 1, "num2": -1})
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.ResourceExhausted ||
			e.Message != "too negative" {
			t.Errorf("divide(1, -1): %v", err)
		}
	})
}

// What is wrong with a call is said before anything is sent.
func TestClientErrors(t *testing.T) {
	t.Parallel()
	client := dynamic.NewClient(dial(t, "127.0.0.1:1"),
		load(t, "divide.yodel", divideText+"stream int ticks(1:int n)\n"))
	tests := []struct{ name, params, want string }{
		{"divid", `{}`, `there is no method "divid"; there is divide, ticks`},
		{"divide", `{}`, `missing argument "num1" (not started)`},
		{"divide", `{"num1": 1, "nun2": 2}`, `nun2: unknown argument; did you mean "num2"?`},
		{"divide", `{"num1": "many"}`, `num1: "many" is not an int`},
		{"divide", `{"num1": 1e10}`, `num1: 1e10 is out of range for an int`},
		{"divide", `[]`, `invalid_argument`},
		{"ticks", `{"n": 1}`, `ticks has a stream`},
	}
	for _, test := range tests {
		_, err := client.CallJSON(t.Context(), test.name, []byte(test.params))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s(%s): %v; want %s", test.name, test.params, err, test.want)
		}
	}
	_, err := client.Call(t.Context(), "divide", map[string]any{"nun2": 1})
	if err == nil || !strings.Contains(err.Error(),
		`there is no "nun2" in the arguments of divide; there is num2, num1`) {
		t.Error(err)
	}
	_, err = client.Call(t.Context(), "divide", map[string]any{"num1": 1})
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Unavailable {
		t.Errorf("nobody is there: %v", err)
	}
}

// A proxy knows no method when it is built: what it is asked goes on to another server, over mux.
func TestProxy(t *testing.T) {
	t.Parallel()
	p := load(t, "divide.yodel", divideText)
	overEach(t, func(t *testing.T, scheme string) {
		behind := dial(t, serve(t, divide.NewService(divider{})))
		proxy := p.Services()[0].NewService(
			func(ctx context.Context, m *dynamic.Method, args *dynamic.Message) (any, error) {
				return m.Call(ctx, behind, args)
			})
		client := divide.NewClient(dial(t, scheme+serve(t, proxy)))
		if got, err := client.Divide(t.Context(), 200, divide.Num2(100)); got != 2 || err != nil {
			t.Errorf("divide(200, 100) = %v, %v", got, err)
		}
		if got, err := client.Divide(t.Context(), 200); got != 200 || err != nil {
			t.Errorf("divide(200) = %v, %v", got, err)
		}
		_, err := client.Divide(t.Context(), 1, divide.Num2(0))
		if invalid, ok := errors.AsType[*divide.InvalidOperation](err); !ok || invalid.Message != "by nothing" {
			t.Errorf("divide(1, 0): %v", err)
		}
		_, err = client.Divide(t.Context(), 1, divide.Num2(-1))
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.ResourceExhausted {
			t.Errorf("divide(1, -1): %v", err)
		}
	})
}

func TestMethodNames(t *testing.T) {
	t.Parallel()
	p := load(t, "shapes.yodel", shapesText)
	for name, want := range map[string]string{
		"all": "shapes.Shapes/all", "Others.ping": "shapes.Others/ping", "shapes.Shapes/ping": "shapes.Shapes/ping",
	} {
		if m, err := p.Method(name); err != nil || m.FullName() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]string{
		"ping": `2 services have a method "ping"; call Shapes.ping or Others.ping`,
		"pin":  `there is no method "pin"; there is all, shape, Shapes.ping, Others.ping`,
	} {
		if _, err := p.Method(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// A handler returns exceptions by name, and what it returns else has to be a result.
func TestHandler(t *testing.T) {
	t.Parallel()
	p := load(t, "shapes.yodel", shapesText)
	service := p.Services()[0].NewService(func(_ context.Context, m *dynamic.Method, _ *dynamic.Message) (any, error) {
		if m.Schema().Name == "shape" {
			return 5, nil
		}
		x, err := m.NewException("Full")
		if err == nil {
			err = x.Set("most", 3)
		}
		if err != nil {
			return nil, err
		}
		return nil, x
	})
	overEach(t, func(t *testing.T, scheme string) {
		client := dynamic.NewClient(dial(t, scheme+serve(t, service)), p)
		_, err := client.Call(t.Context(), "Shapes.ping", nil)
		x, ok := errors.AsType[*dynamic.Exception](err)
		if !ok || x.Name() != "shapes.Full" || x.Error() != "full" {
			t.Fatal(err)
		}
		if most, _ := x.Get("most"); most != int32(3) {
			t.Errorf("most is %v", most)
		}
		_, err = client.Call(t.Context(), "shape", map[string]any{"shape": map[string]any{"name": "x"}})
		if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.Internal ||
			!strings.Contains(e.Message, "result: 5 is not a Shape") {
			t.Error(err)
		}
	})
	m, _ := p.Method("Shapes.ping")
	if _, err := m.NewException("Ful"); err == nil ||
		err.Error() != `ping declares no exception "Ful"; it declares Full, Odd` {
		t.Error(err)
	}
}

// Without a definition, the protocols that carry names do.
func TestCallJSON(t *testing.T) {
	t.Parallel()
	shapes := load(t, "shapes.yodel", shapesText).Services()[0].NewService(
		func(_ context.Context, m *dynamic.Method, _ *dynamic.Message) (any, error) {
			x, err := m.NewException("Full")
			if err == nil {
				_ = x.Set("most", 3)
				err = x
			}
			return nil, err
		})
	address := serve(t, divide.NewService(divider{}), shapes)
	overEach(t, func(t *testing.T, scheme string) {
		ch := dial(t, scheme+address)
		got, err := dynamic.CallJSON(t.Context(), ch, "divide", []byte("{\"num1\":\n200}"))
		if scheme == "mux://" || scheme == "basic://" {
			if err == nil || !strings.Contains(err.Error(), "without") {
				t.Errorf("%s, %v", got, err)
			}
			return
		}
		if string(got) != "200" || err != nil {
			t.Errorf("%s, %v", got, err)
		}
		_, err = dynamic.CallJSON(t.Context(), ch, "Shapes.ping", []byte("{}"))
		x, ok := errors.AsType[*rpc.UndeclaredException](err)
		if !ok || x.Name != "Full" || x.Message != "full" || string(x.Fields) != `{"most":3}` {
			t.Errorf("%v, %+v", err, x)
		}
		for _, params := range []string{"[]", "{", `{"num1": 1} {}`, ""} {
			if _, err := dynamic.CallJSON(t.Context(), ch, "divide", []byte(params)); err == nil {
				t.Errorf("it takes %q", params)
			}
		}
	})
}
