package wire

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// A Kind tells values of fields apart.
type Kind uint8

// The kinds, and how a value of each is read from its reflect.Value.
const (
	KindBool      Kind = iota + 1 // Bool
	KindInt32                     // Int
	KindInt64                     // Int
	KindUint32                    // Uint
	KindUint64                    // Uint
	KindFloat32                   // Float
	KindFloat64                   // Float
	KindString                    // String
	KindBytes                     // Bytes
	KindTimestamp                 // TimeOf
	KindDuration                  // Int, in nanoseconds
	KindEnum                      // Int, EnumName
	KindList                      // Len and Index, of ValueType.Elem
	KindMap                       // SortedKeys and MapIndex, of ValueType.Key and Elem
	KindStruct                    // the fields of ValueType.Type
	KindUnion                     // the fields of ValueType.Type, of which at most one is set
)

// String returns the word of the definition language: "int" for KindInt32.
func (k Kind) String() string {
	return [...]string{
		"unknown", "bool", "int", "long", "uint", "ulong", "float", "double", "string", "bytes",
		"timestamp", "duration", "enum", "list", "map", "struct", "union",
	}[k]
}

// String returns the type in the words of the definition language: "list<string>".
func (t *ValueType) String() string {
	switch t.Kind {
	case KindList:
		return "list<" + t.Elem.String() + ">"
	case KindMap:
		return "map<" + t.Key.String() + ", " + t.Elem.String() + ">"
	case KindEnum:
		if t.Enum != nil {
			return t.Enum.Name
		}
		return t.Go.Name()
	case KindStruct, KindUnion:
		return t.Type.Name
	default:
		return t.Kind.String()
	}
}

// TypeName returns the field's type in the words of the definition language: "int", "list<string>", "Point?".
func (f *Field) TypeName() string {
	if f.Optional {
		return f.ValueType.String() + "?"
	}
	return f.ValueType.String()
}

// String returns the field as a definition has it, with what it is where it is absent: "2:int num2=1".
func (f *Field) String() string {
	s := strconv.Itoa(f.Number) + ":" + f.TypeName() + " " + f.Name
	if f.Required || f.Optional {
		return s
	}
	if text := f.defaultText(); text != "" {
		s += "=" + text
	}
	return s
}

func (f *Field) defaultText() string {
	v := f.Default
	switch f.Kind {
	case KindBool:
		return strconv.FormatBool(v.Bool())
	case KindInt32, KindInt64:
		return strconv.FormatInt(v.Int(), 10)
	case KindUint32, KindUint64:
		return strconv.FormatUint(v.Uint(), 10)
	case KindFloat32, KindFloat64:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case KindString:
		return strconv.Quote(v.String())
	case KindBytes:
		return strconv.Quote(string(v.Bytes()))
	case KindDuration:
		return time.Duration(v.Int()).String()
	case KindEnum:
		return f.EnumName(v)
	case KindTimestamp:
		if t := TimeOf(v); !t.IsZero() {
			return strconv.Quote(t.Format(time.RFC3339Nano))
		}
	}
	return ""
}

// EnumName returns the name of the value v of the enum t, or its number in decimal where it has none.
func (t *ValueType) EnumName(v reflect.Value) string {
	if t.Enum != nil {
		return t.Enum.NameOf(int32(v.Int()))
	}
	return v.Interface().(fmt.Stringer).String()
}

// SetEnum sets v, which is addressable, to the value of the enum t that is called name.
func (t *ValueType) SetEnum(v reflect.Value, name string) error {
	if t.Enum != nil {
		n, err := t.Enum.Number(name)
		v.SetInt(int64(n))
		return err
	}
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(name))
}

// TimeOf returns the time that v holds. It does not allocate where v is addressable.
func TimeOf(v reflect.Value) time.Time {
	if v.CanAddr() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}

// SetTime sets v, which is addressable, to t.
func SetTime(v reflect.Value, t time.Time) { *v.Addr().Interface().(*time.Time) = t }

// IsTimestamp reports whether t is in the range of timestamps, the years 1 to 9999, which is that of RFC 3339, of
// protobuf and of most languages.
func IsTimestamp(t time.Time) bool { return inYears(t.Unix()) }

// inYears is IsTimestamp for the time that is so many seconds after 1970.
func inYears(seconds int64) bool {
	const first, last = -62_135_596_800, 253_402_300_799
	return uint64(seconds-first) <= last-first
}

// SortedKeys returns the keys of the map m in ascending order; false comes before true.
func SortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	if len(keys) < 2 {
		return keys
	}
	slices.SortFunc(keys, keyOrder(keys[0].Kind()))
	return keys
}

func keyOrder(kind reflect.Kind) func(a, b reflect.Value) int {
	switch kind {
	case reflect.String:
		return func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) }
	case reflect.Bool:
		return func(a, _ reflect.Value) int {
			if a.Bool() {
				return 1
			}
			return -1
		}
	case reflect.Int32, reflect.Int64:
		return func(a, b reflect.Value) int { return cmp.Compare(a.Int(), b.Int()) }
	default:
		return func(a, b reflect.Value) int { return cmp.Compare(a.Uint(), b.Uint()) }
	}
}
