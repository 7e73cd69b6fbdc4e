package mux_test

import (
	"context"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// The messages of the tests, in the shape of generated code.

type numbers struct {
	A int32 `yodel:"1,a,required"`
	B int32 `yodel:"2,b"`
}

func (m *numbers) Reset() { *m = numbers{} }
func (m *numbers) EncodeWire(e *wire.Encoder) {
	e.PutInt32(1, m.A)
	if m.B != 0 {
		e.PutInt32(2, m.B)
	}
}
func (m *numbers) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		d.Int32(1, &m.A)
		d.Int32(2, &m.B)
	}
}

type quotient struct {
	Result float32 `yodel:"1,result"`
}

func (m *quotient) Reset() { *m = quotient{} }
func (m *quotient) EncodeWire(e *wire.Encoder) {
	if m.Result != 0 {
		e.PutFloat32(1, m.Result)
	}
}
func (m *quotient) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		d.Float32(1, &m.Result)
	}
}

type blob struct {
	Data []byte `yodel:"1,data"`
}

func (m *blob) Reset() { *m = blob{} }
func (m *blob) EncodeWire(e *wire.Encoder) {
	if len(m.Data) > 0 {
		e.PutBytes(1, m.Data)
	}
}
func (m *blob) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		d.Bytes(1, &m.Data)
	}
}

type byZero struct {
	Message string `yodel:"1,message"`
}

func (m *byZero) Error() string                      { return m.Message }
func (m *byZero) YodelException() (string, rpc.Code) { return "test.ByZero", rpc.FailedPrecondition }
func (m *byZero) Reset()                             { *m = byZero{Message: "by zero"} }
func (m *byZero) EncodeWire(e *wire.Encoder)         { e.PutString(1, m.Message) }
func (m *byZero) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		d.String(1, &m.Message)
	}
}

var (
	divide = rpc.NewUnary[numbers, quotient](rpc.Method{
		Service: "test.Test", Name: "divide",
		Exceptions: []func() rpc.Exception{func() rpc.Exception { return new(byZero) }},
	})
	echo  = rpc.NewUnary[blob, blob](rpc.Method{Service: "test.Test", Name: "echo"})
	wait  = rpc.NewUnary[numbers, quotient](rpc.Method{Service: "test.Test", Name: "wait"})
	blow  = rpc.NewUnary[numbers, quotient](rpc.Method{Service: "test.Test", Name: "blow"})
	other = rpc.NewUnary[numbers, quotient](rpc.Method{Service: "test.Test", Name: "other"})
)

// handlers are what the test service does. Nil members have defaults.
type handlers struct {
	wait  func(ctx context.Context, a int32) error
	other func(ctx context.Context, a, b int32) (float32, error)
}

func (h handlers) service() *rpc.Service {
	return rpc.NewService("test.Test",
		divide.Handle(func(_ context.Context, in *numbers, out *quotient) error {
			if in.B == 0 {
				return &byZero{Message: "by zero"}
			}
			out.Result = float32(in.A) / float32(in.B)
			return nil
		}),
		echo.Handle(func(_ context.Context, in, out *blob) error {
			out.Data = in.Data
			return nil
		}),
		wait.Handle(func(ctx context.Context, in *numbers, _ *quotient) error {
			if h.wait != nil {
				return h.wait(ctx, in.A)
			}
			<-ctx.Done()
			return ctx.Err()
		}),
		blow.Handle(func(context.Context, *numbers, *quotient) error { panic("boom") }),
		other.Handle(func(ctx context.Context, in *numbers, out *quotient) (err error) {
			out.Result, err = h.other(ctx, in.A, in.B)
			return err
		}),
	)
}

func callDivide(ctx context.Context, ch rpc.Channel, a, b int32) (float32, error) {
	call := divide.NewCall()
	defer call.Release()
	call.In = numbers{a, b}
	err := ch.Call(ctx, &call.Call)
	return call.Out.Result, err
}

func callEcho(ctx context.Context, ch rpc.Channel, data []byte) ([]byte, error) {
	call := echo.NewCall()
	defer call.Release()
	call.In.Data = data
	err := ch.Call(ctx, &call.Call)
	return call.Out.Data, err
}

func callNumbers(ctx context.Context, ch rpc.Channel, m *rpc.Unary[numbers, quotient, *numbers, *quotient], a,
	b int32) (float32, error) {
	call := m.NewCall()
	defer call.Release()
	call.In = numbers{a, b}
	err := ch.Call(ctx, &call.Call)
	return call.Out.Result, err
}
