package client

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// ExceptionOf returns the declared exception that a call ended with: its bare name, its message, and its other fields
// as a JSON object, nil for none. ok is false for any other error.
func ExceptionOf(err error) (name, message string, fields []byte, ok bool) {
	if x, ok := errors.AsType[*rpc.UndeclaredException](err); ok {
		return printable(x.Name), printable(x.Message), x.Fields, true
	}
	x, ok := errors.AsType[*dynamic.Exception](err)
	if !ok {
		return "", "", nil, false
	}
	name = x.Name()[strings.LastIndexByte(x.Name(), '.')+1:]
	return name, printable(x.Error()), otherFields(x), true
}

// otherFields returns the fields of x but its message as a JSON object; nil for none. One that has something sensitive
// shows all as a log does, for standard error often is one.
func otherFields(x *dynamic.Exception) []byte {
	if x.Record().Type().Sensitive() {
		return []byte(x.String())
	}
	full, err := wire.AppendFullJSON(nil, x)
	if err != nil {
		return nil
	}
	var b []byte
	_ = wire.EachJSONMember(full, func(name, value []byte) error {
		if string(name) != "message" {
			b = append(append(append(b, `,"`...), name...), `":`...)
			b = append(b, value...)
		}
		return nil
	})
	if b == nil {
		return nil
	}
	b[0] = '{'
	return append(b, '}')
}

// A Failed is what became of a call without a result or an exception.
type Failed struct {
	Code    rpc.Code
	Outcome rpc.Outcome
	Message string
}

// FailureOf sorts the error of a call that is no exception. Of a call that had no time left it says so in plain words.
func FailureOf(err error) Failed {
	if e, ok := errors.AsType[*rpc.ContextError](err); ok {
		f := Failed{rpc.Canceled, e.Outcome, "interrupted"}
		if errors.Is(e, context.DeadlineExceeded) {
			f.Code, f.Message = rpc.DeadlineExceeded, "no answer in time"
			if e.Cause != nil {
				f.Message += ": " + printable(e.Cause.Error())
			}
		}
		return f
	}
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok {
		e = rpc.Errorf(rpc.Unknown, "%w", err)
	}
	return Failed{e.Code, e.Outcome, printable(withFlag(e, e.Message))}
}

// flags are what the options of a channel are called on the command line.
var flags = map[string]string{
	"DialOptions.TLS":              "--cert",
	"DialOptions.TLS.RootCAs":      "the file of --ca",
	"DialOptions.TLS.Certificates": "--cert and --key",
	"DialOptions.TLS.ServerName":   "--server-name",
}

// withFlag returns the message of err with the flag in place of the option that it tells to change. It leaves alone
// what a server says, which may have options of its own.
func withFlag(err error, message string) string {
	e, ok := errors.AsType[interface {
		error
		Setting() string
	}](err)
	if !ok || e.Setting() == "" {
		return message
	}
	return strings.ReplaceAll(message, e.Setting(), flags[e.Setting()])
}

// String returns the code and the message, and whether the call ran where the server did not say.
func (f Failed) String() string {
	s := f.Code.String() + ": " + f.Message
	if f.Outcome != rpc.OutcomeAnswered {
		s += " (" + f.Outcome.String() + ")"
	}
	return s
}

// Describe returns an error of a call for people. Lines of the server's behind the first are indented.
func Describe(err error) error {
	name, message, fields, ok := ExceptionOf(err)
	if !ok {
		return errors.New(FailureOf(err).String())
	}
	text := strings.TrimSuffix(name+": "+message, ": ")
	if fields != nil {
		text += " " + clean(string(fields))
	}
	return errors.New(text)
}

// printable returns what a server said as it may stand on a terminal, at most 1,000 characters of it.
func printable(text string) string {
	runes := []rune(text)
	return clean(string(runes[:min(len(runes), 1000)]))
}

// clean replaces what does not print, among it the control characters of ASCII and of Unicode, and indents all lines
// but the first: a line that a server wrote must not look like one of the tool's own.
func clean(text string) string {
	text = strings.TrimRight(text, "\r\n")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, text)
	return strings.ReplaceAll(text, "\n", "\n    ")
}
