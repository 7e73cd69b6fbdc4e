package rpc

import "strings"

// An UndeclaredException is an exception that the server answered with and that the method does not declare as this
// side knows it: the server's definition is another one, or this side has none. It is the cause of an [*Error] with the
// code Unknown; errors.As finds it there.
type UndeclaredException struct {
	Name    string // as the server wrote it, usually bare: "InvalidOperation"
	Message string
	Fields  []byte // the others, as a JSON object; nil for none
}

// Error returns the name and the message.
func (e *UndeclaredException) Error() string { return strings.TrimSuffix(e.Name+": "+e.Message, ": ") }
