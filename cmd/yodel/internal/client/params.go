package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// parseParams reads NAME=VALUE arguments, or one JSON object, as a JSON object. The function quote says whether the
// value of the named parameter is text that needs quotes.
func parseParams(args []string, quote func(name, value string) bool) ([]byte, error) {
	if len(args) == 1 && strings.HasPrefix(strings.TrimSpace(args[0]), "{") {
		if !json.Valid([]byte(args[0])) {
			return nil, cli.Usagef("the parameters are not a JSON object: %.200s", args[0])
		}
		return []byte(args[0]), nil
	}
	params := make(map[string]json.RawMessage)
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok || name == "" {
			return nil, cli.Usagef("the parameter %q has no name; write NAME=VALUE, or all of them as one JSON object",
				arg)
		}
		if _, twice := params[name]; twice {
			return nil, cli.Usagef("the parameter %s is given twice", name)
		}
		params[name] = json.RawMessage(value)
		if quote(name, value) {
			params[name] = wire.AppendJSONString(nil, value)
		}
	}
	b := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(params)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(wire.AppendJSONString(b, name), ':'), params[name]...)
	}
	return append(b, '}'), nil
}

// untypedParams takes for a string what is not JSON.
func untypedParams(args []string) ([]byte, error) {
	return parseParams(args, func(_, value string) bool { return !json.Valid([]byte(value)) })
}

// typedParams returns the arguments of a call of m.
func typedParams(m *dynamic.Method, args []string) (*dynamic.Message, error) {
	params, stream := m.Schema().Params, m.Schema().StreamParam
	text, err := parseParams(args, func(name, value string) bool {
		f := fieldNamed(params, name)
		return f != nil && isText(f.Type, value) || !json.Valid([]byte(value))
	})
	if err != nil {
		return nil, err
	}
	if stream != nil && isGiven(stream, text) {
		return nil, fmt.Errorf("%s of %s is a stream: its elements are read from standard input, one of JSON a line",
			stream.Name, m.Schema().Name)
	}
	message := m.NewArgs()
	if absent := absentParams(params, text); absent != "" {
		return nil, fmt.Errorf("%s needs %s", m.Schema().Name, absent)
	}
	if err := wire.UnmarshalArguments(text, message); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Schema().Name, err)
	}
	if stream != nil { // of whose elements there is none yet
		return message, nil
	}
	if e, ok := errors.AsType[*rpc.Error](rpc.Validate(message)); ok {
		return nil, fmt.Errorf("%s: %s", m.Schema().Name, e.Message)
	}
	return message, nil
}

// isGiven reports whether text, an object, has the parameter f.
func isGiven(f *schema.Field, text []byte) bool {
	var given map[string]json.RawMessage
	_ = json.Unmarshal(text, &given)
	for name := range given {
		if fieldNamed([]*schema.Field{f}, name) != nil {
			return true
		}
	}
	return false
}

// absentParams returns the required parameters that are not in text, as one would write them; "" where all are there,
// or where there is one that the method does not know, which may be meant for them.
func absentParams(params []*schema.Field, text []byte) string {
	var given map[string]json.RawMessage
	if json.Unmarshal(text, &given) != nil {
		return ""
	}
	there := make(map[*schema.Field]bool)
	for name, value := range given {
		f := fieldNamed(params, name)
		if f == nil {
			return ""
		}
		there[f] = string(value) != "null"
	}
	var absent []string
	for _, f := range params {
		if f.Required && !there[f] {
			absent = append(absent, Placeholder(f))
		}
	}
	return strings.Join(absent, " ")
}

// Placeholder returns how a parameter is written, with its type for a value: "num1=INT".
func Placeholder(f *schema.Field) string { return f.Name + "=" + strings.ToUpper(TypeName(f.Type)) }

// isText reports whether a value of type t is a string in JSON.
func isText(t *schema.Type, value string) bool {
	switch t.Kind {
	case schema.String, schema.Bytes, schema.Timestamp, schema.Duration:
		return true
	case schema.EnumType:
		_, err := strconv.Atoi(value)
		return err != nil
	}
	return false
}

// fieldNamed returns the field with a name, as declared or in lowerCamelCase, or nil.
func fieldNamed(fields []*schema.Field, name string) *schema.Field {
	for _, f := range fields {
		if f.Name == name || schema.JSONName(f.Name) == name {
			return f
		}
	}
	return nil
}

// kindNames are the names of the types that need no declaration.
var kindNames = [...]string{
	schema.Bool: "bool", schema.Int: "int", schema.Long: "long", schema.Uint: "uint", schema.Ulong: "ulong",
	schema.Float: "float", schema.Double: "double", schema.String: "string", schema.Bytes: "bytes",
	schema.Timestamp: "timestamp", schema.Duration: "duration",
}

// TypeName returns a type as a definition writes it, without the question mark.
func TypeName(t *schema.Type) string {
	switch t.Kind {
	case schema.List:
		return "list<" + TypeName(t.Elem) + ">"
	case schema.Map:
		return "map<" + TypeName(t.Key) + ", " + TypeName(t.Elem) + ">"
	case schema.EnumType:
		return t.Enum.Name
	case schema.StructType:
		return t.Struct.Name
	case schema.UnionType:
		return t.Union.Name
	}
	return kindNames[t.Kind]
}
