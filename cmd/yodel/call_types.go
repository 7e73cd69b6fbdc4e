package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// kindNames are the names of the types that need no declaration.
var kindNames = [...]string{
	schema.Bool: "bool", schema.Int: "int", schema.Long: "long", schema.Uint: "uint", schema.Ulong: "ulong",
	schema.Float: "float", schema.Double: "double", schema.String: "string", schema.Bytes: "bytes",
	schema.Timestamp: "timestamp", schema.Duration: "duration",
}

// typeName returns a type as a definition writes it, without the question mark.
func typeName(t *schema.Type) string {
	switch t.Kind {
	case schema.List:
		return "list<" + typeName(t.Elem) + ">"
	case schema.Map:
		return "map<" + typeName(t.Key) + ", " + typeName(t.Elem) + ">"
	case schema.EnumType:
		return t.Enum.Name
	case schema.StructType:
		return t.Struct.Name
	case schema.UnionType:
		return t.Union.Name
	}
	return kindNames[t.Kind]
}

// wrongValue is the error of a value that type t does not have.
func wrongValue(t *schema.Type, raw json.RawMessage) error {
	shown := string(raw)
	if len(shown) > 64 {
		shown = shown[:64] + "..."
	}
	return fmt.Errorf("%s is not of type %s; write %s", shown, typeName(t), howToWrite(t))
}

// howToWrite says what values of a type look like.
func howToWrite(t *schema.Type) string {
	switch t.Kind {
	case schema.Bool:
		return "true or false"
	case schema.Int:
		return "a whole number from -2147483648 to 2147483647"
	case schema.Long:
		return "a whole number from -2^63 to 2^63-1"
	case schema.Uint:
		return "a whole number from 0 to 4294967295"
	case schema.Ulong:
		return "a whole number from 0 to 2^64-1"
	case schema.Float, schema.Double:
		return "a number"
	case schema.String:
		return "a string"
	case schema.Bytes:
		return "bytes in base64"
	case schema.Timestamp:
		return `a time as in "2006-01-02T15:04:05Z"`
	case schema.Duration:
		return `seconds as in "1.5s"`
	case schema.List:
		return "a JSON array"
	case schema.EnumType:
		return enumNames(t.Enum)
	case schema.UnionType:
		return "a JSON object with one of " + strings.Join(fieldNames(t.Union.Members), ", ")
	}
	return "a JSON object"
}

func enumNames(e *schema.Enum) string {
	names := make([]string, len(e.Values))
	for i, v := range e.Values {
		names[i] = v.Name
	}
	return strings.Join(names, ", ")
}
