package client

import (
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/rpc"
)

// Details are shown as JSON where their type is known or they are JSON, else by their size; and as one line each.
func TestPrintDetails(t *testing.T) {
	t.Parallel()
	files, diags := check.Files(func(string) ([]byte, error) {
		return []byte("package calc\nstruct Quota { 1: int left }\n"), nil
	}, "calc.yodel")
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	types, err := dynamic.Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	e := rpc.NewError(rpc.Aborted, "again")
	for _, d := range []struct {
		format  rpc.DetailFormat
		content string
	}{{rpc.DetailWire, "\x08\x05"}, {rpc.DetailJSON, "{\"left\":\n6}"}, {rpc.DetailWire, "\xff"}} {
		if e.Details, err = rpc.AppendDetail(e.Details, "calc.Quota", d.format, []byte(d.content)); err != nil {
			t.Fatal(err)
		}
	}
	for want, types := range map[string]*dynamic.Package{
		"calc.Quota: {\"left\":5}\ncalc.Quota: {\"left\":6}\ncalc.Quota: 1 bytes\n":  types,
		"calc.Quota: 2 bytes\ncalc.Quota: {\"left\":\n    6}\ncalc.Quota: 1 bytes\n": nil,
	} {
		var got strings.Builder
		if PrintDetails(&got, e, types); got.String() != want {
			t.Errorf("got %q, want %q", got.String(), want)
		}
	}
}

// Which values a server refuses is known without a definition.
func TestPrintViolations(t *testing.T) {
	t.Parallel()
	e := rpc.NewError(rpc.InvalidArgument, "x").WithDetails(
		&rpc.BadRequest{Violations: []rpc.FieldViolation{{Field: "x", Description: "is 0", Reason: "MIN"}}})
	details, err := e.EncodeDetails(rpc.DetailWire, rpc.MaxDetailBytes, rpc.NewLog(nil))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	PrintDetails(&got, &rpc.Error{Details: details}, nil)
	want := `google.rpc.BadRequest: {"fieldViolations":[{"field":"x","description":"is 0","reason":"MIN"}]}` + "\n"
	if got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}
