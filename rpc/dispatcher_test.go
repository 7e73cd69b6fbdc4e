package rpc_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// empty is a message without fields.
type empty struct{}

func (*empty) Reset()                   {}
func (*empty) EncodeWire(*wire.Encoder) {}
func (*empty) DecodeWire(d *wire.Decoder) {
	for d.Next() {
	}
}

// endpoint returns an endpoint of a method that answers with err.
func endpoint(service, name string, own bool, err error) *rpc.Endpoint {
	m := rpc.NewUnary[empty, empty](rpc.Method{Service: service, Name: name, Own: own})
	return m.Handle(func(context.Context, *empty, *empty) error { return err })
}

func dispatcher(t *testing.T, log *slog.Logger, services ...*rpc.Service) *rpc.Dispatcher {
	t.Helper()
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFind(t *testing.T) {
	t.Parallel()
	d := dispatcher(t, nil,
		rpc.NewService("calc.Calculator", endpoint("calc.Calculator", "divide", false, nil),
			endpoint("calc.Calculator", "add", false, nil)),
		rpc.NewService("calc.Old", endpoint("calc.Old", "add", false, nil)),
		rpc.NewService("calc.Calc", endpoint("calc.Calc", "divide", true, nil)),
	)
	tests := []struct{ name, want string }{
		{"divide", "calc.Calc/divide"}, // of the file's own service
		{"Calculator.divide", "calc.Calculator/divide"},
		{"calc.Calculator/divide", "calc.Calculator/divide"},
		{"Old.add", "calc.Old/add"},
		{"add", `several services have a method "add"; call Calculator.add or Old.add`},
		{"ad", `unknown method "ad"; this server has Old.add, divide, Calculator.add`},
		{"", `unknown method ""`},
		{"Divide", `unknown method "Divide"; this server has divide`},
		{"divide\x00", `unknown method "divide\x00"`},
		{"/divide", "unknown method"},
		{"calc.Calculator//divide", "unknown method"},
		{"calc.Calculator/divide/", "unknown method"},
		{"calc.Calculator%2Fdivide", "unknown method"},
		{strings.Repeat("x", 1<<16), "(65536 bytes)"},
	}
	for _, tt := range tests {
		r, err := d.Find([]byte(tt.name))
		switch {
		case err == nil && r.FullName != tt.want:
			t.Errorf("%q leads to %s, want %s", tt.name, r.FullName, tt.want)
		case err != nil && (!strings.Contains(err.Message, tt.want) || err.Code != rpc.Unimplemented):
			t.Errorf("%.20q gives %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestTwoServicesOfOneName(t *testing.T) {
	t.Parallel()
	service := rpc.NewService("calc.Calculator", endpoint("calc.Calculator", "divide", false, nil))
	_, err := rpc.NewDispatcher([]*rpc.Service{service, service}, rpc.DispatcherOptions{})
	if err == nil || !strings.Contains(err.Error(), "would both answer to") {
		t.Errorf("two services of one name give %v", err)
	}
}

func TestPanicsAreErrorsAndFewLines(t *testing.T) {
	t.Parallel()
	m := rpc.NewUnary[empty, empty](rpc.Method{Service: "test.Test", Name: "blow"})
	var log bytes.Buffer
	d := dispatcher(t, slog.New(slog.NewTextHandler(&log, nil)), rpc.NewService("test.Test",
		m.Handle(func(context.Context, *empty, *empty) error { panic("boom") })))
	for range 1000 {
		call := d.Routes()[0].NewCall()
		f := d.Routes()[0].Invoke(t.Context(), call, nil)
		if f == nil || f.Err == nil || f.Err.Code != rpc.Internal || strings.Contains(f.Err.Message, "boom") {
			t.Fatalf("a panic gives %v", f)
		}
		call.Release()
	}
	if n := strings.Count(log.String(), "handler panicked"); n < 1 || n > 40 { // ten a second
		t.Errorf("1,000 panics make %d lines", n)
	}
}

func TestFailure(t *testing.T) {
	t.Parallel()
	m := &rpc.Method{Service: "test.Test", Name: "fail"}
	tests := []struct {
		name string
		err  error
		code rpc.Code
		text string
	}{
		{"plain", errors.New("disk full"), rpc.Unknown, "disk full"},
		{"with a code", rpc.Errorf(rpc.NotFound, "no %s", "cat"), rpc.NotFound, "no cat"},
		{"wrapped", errors.Join(errors.New("x"), rpc.NewError(rpc.Aborted, "lost")), rpc.Aborted, "lost"},
		{"context canceled", context.Canceled, rpc.Canceled, "context canceled"},
		{"deadline", context.DeadlineExceeded, rpc.DeadlineExceeded, "deadline exceeded"},
	}
	for _, tt := range tests {
		f := m.Failure(tt.err)
		if f.Index != -1 || f.Err.Code != tt.code || !strings.Contains(f.Err.Message, tt.text) {
			t.Errorf("%s: %+v, want %v %q", tt.name, f, tt.code, tt.text)
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	m := &rpc.Method{Service: "calc.Calculator", Name: "divide"}
	tests := []struct {
		err  error
		want string
	}{
		{rpc.NewError(rpc.Internal, "broken"), "internal: broken"},
		{rpc.NewError(rpc.Unavailable, "refused").For(m, rpc.OutcomeNotStarted),
			"calc.Calculator/divide: unavailable: refused (not started)"},
		{rpc.NewError(rpc.Unavailable, "cut").For(m, rpc.OutcomeUnknown),
			"calc.Calculator/divide: unavailable: cut (unknown whether it ran)"},
		{rpc.NewError(rpc.Aborted, "lost").For(m, rpc.OutcomeAnswered), "calc.Calculator/divide: aborted: lost"},
		{rpc.NewContextError(m, rpc.OutcomeNotStarted, context.DeadlineExceeded, errors.New("connection refused")),
			"calc.Calculator/divide: context deadline exceeded (not started): connection refused"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	if err := tests[4].err; !errors.Is(err, context.DeadlineExceeded) {
		t.Error("errors.Is with context.DeadlineExceeded does not hold")
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for c := rpc.Canceled; c <= rpc.Unauthenticated; c++ {
		if got, ok := rpc.ParseCode(c.String()); !ok || got != c {
			t.Errorf("ParseCode(%q) = %v, %v", c.String(), got, ok)
		}
	}
	if c, ok := rpc.ParseCode("ok"); ok {
		t.Errorf(`ParseCode("ok") = %v`, c)
	}
}
