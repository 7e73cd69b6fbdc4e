package dynamic

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// An Exception is a declared exception that a call ended with, or that a handler returns:
//
//	var invalid *dynamic.Exception
//	if errors.As(err, &invalid) && invalid.Name() == "divide.InvalidOperation" { ... }
//
// Its fields are those of its Message. A handler may return one that another server answered with, as a proxy does.
type Exception struct {
	*Message
	name string
	code rpc.Code
	text string // the name as words
}

var _ rpc.Exception = (*Exception)(nil)

// exceptionType is an exception of a definition.
type exceptionType struct {
	*Type
	code rpc.Code
	text string
}

func newExceptionType(x *schema.Exception, t *Type) *exceptionType {
	code, _ := rpc.ParseCode(x.Code)
	return &exceptionType{t, code, strings.Join(schema.Words(x.Name), " ")}
}

func (t *exceptionType) newException() rpc.Exception {
	return &Exception{t.New(), t.name, t.code, t.text}
}

// Name returns the full name: "divide.InvalidOperation".
func (x *Exception) Name() string { return x.name }

// Code returns the code that the definition gives the exception.
func (x *Exception) Code() rpc.Code { return x.code }

// YodelException implements [rpc.Exception].
func (x *Exception) YodelException() (name string, code rpc.Code) { return x.name, x.code }

// Error returns the exception's message, or its name as words if it has none.
func (x *Exception) Error() string {
	f := x.Record().Type().ByName("message")
	if f == nil || f.Kind != wire.KindString || f.Optional || f.Sensitive {
		return x.text
	}
	v, _ := f.Get(wire.ValueOf(x))
	return cmp.Or(v.String(), x.text)
}

// Format implements [fmt.Formatter]: an exception is shown as Error says, and with %+v and %#v as its fields, with ***
// in place of what is sensitive.
func (x *Exception) Format(s fmt.State, verb rune) {
	wire.Mask(x.Message).FormatError(s, verb, x.Error())
}

// String returns the fields in one line, as [Message.String] does.
func (x *Exception) String() string { return x.Message.String() }
