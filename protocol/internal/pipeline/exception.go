package pipeline

import (
	"reflect"
	"strings"
	"unicode"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// An Exception is a declared exception as both protocols show it: a text, and all else beside it.
type Exception struct {
	Name    string        // bare: "InvalidOperation"
	Message *wire.Field   // the field called message, if it is a string; nil for none
	Rest    []*wire.Field // all other fields
	New     func() rpc.Exception
}

// DescribeException describes the exception that newException makes.
func DescribeException(newException func() rpc.Exception) *Exception {
	e := newException()
	name, _ := e.YodelException()
	x := &Exception{Name: name[strings.LastIndexByte(name, '.')+1:], New: newException}
	t := wire.TypeOf(e)
	for i := range t.Fields {
		if f := &t.Fields[i]; f.Name == "message" && f.Kind == wire.KindString && !f.Optional {
			x.Message = f
		} else {
			x.Rest = append(x.Rest, f)
		}
	}
	return x
}

// Text returns what e says: its message, or its name as words if it has none.
func (x *Exception) Text(e reflect.Value) string {
	if x.Message == nil {
		return words(x.Name)
	}
	v, _ := x.Message.Get(e)
	return v.String()
}

// words returns a name as words in lower case: "invalid operation" for "InvalidOperation", "http error" for
// "HTTPError".
func words(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// CallName returns the name that a request has for m. A method of the file's own service goes by its bare name, which
// is what programs from before Yodel know; those of named services by Service.method, so that two of them may have a
// method of the same name.
func CallName(m *rpc.Method) string {
	if m.Own {
		return m.Name
	}
	return ShortName(m)
}

// ShortName returns the service without its package, and the method: "Calculator.divide".
func ShortName(m *rpc.Method) string {
	return m.Service[strings.LastIndexByte(m.Service, '.')+1:] + "." + m.Name
}
