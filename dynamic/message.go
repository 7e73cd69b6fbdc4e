package dynamic

import (
	"fmt"
	"log/slog"
	"reflect"

	"github.com/yodelrpc/yodel/internal/nearest"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A Message is a struct, union or exception, or the arguments or the result of a method, with its fields by name: as
// declared ("first_name") or as in JSON ("firstName"). Messages that hold one another may not form a circle.
//
// What a Message holds, its strings and bytes included, stays the same after the call that it came from.
type Message wire.Record

var (
	_ wire.RecordHolder = (*Message)(nil)
	_ rpc.DetailMessage = (*Message)(nil)
	_ wire.Constrained  = (*Message)(nil)
)

// Record returns what m is underneath, and so makes it readable to the codecs.
func (m *Message) Record() *wire.Record { return (*wire.Record)(m) }

// YodelName implements [rpc.DetailMessage]: it returns the full name, "calc.Point", and "" for arguments and results.
func (m *Message) YodelName() string { return m.Record().Type().Full }

// Reset implements [wire.Message]: every field gets its default.
func (m *Message) Reset() { m.Record().Reset() }

// EncodeWire implements [wire.Message].
func (m *Message) EncodeWire(e *wire.Encoder) { m.Record().EncodeWire(e) }

// DecodeWire implements [wire.Message].
func (m *Message) DecodeWire(d *wire.Decoder) { m.Record().DecodeWire(d) }

// MarshalJSON returns m in protobuf's JSON: see [wire.AppendJSON]. It is an error where m holds something sensitive,
// since loggers call it too: see [wire.Masked.RefuseJSON].
func (m *Message) MarshalJSON() ([]byte, error) {
	if m.Record().Type().Sensitive() {
		return wire.Mask(m).RefuseJSON()
	}
	return wire.MarshalJSON(m)
}

// UnmarshalJSON reads m from protobuf's JSON; fields that are absent get their defaults. See [wire.UnmarshalJSON].
func (m *Message) UnmarshalJSON(data []byte) error { return wire.UnmarshalJSON(data, m) }

// String returns m in one line for people and logs, with *** in place of sensitive fields.
func (m *Message) String() string { return wire.String(m) }

// Format implements [fmt.Formatter]: whatever the verb, *** stands in place of what is sensitive.
func (m *Message) Format(s fmt.State, verb rune) { wire.Mask(m).Format(s, verb) }

// LogValue implements [slog.LogValuer]: *** stands in place of what is sensitive.
func (m *Message) LogValue() slog.Value { return wire.Mask(m).LogValue() }

// Get returns the value of a field, and its default where it is absent.
//
//	bool int long uint ulong    bool, int32, int64, uint32, uint64
//	float double string bytes   float32, float64, string, []byte
//	timestamp duration          time.Time, time.Duration
//	enum                        string, the value's name; int32 where it has none
//	list<T> map<K, V>           []any, map[any]any
//	struct union                *Message; nil for a union without a member
//	T?                          nil where it is absent
//
// What a struct within a list, a map or another struct is changed to, changes in m as well where it was there before.
// The error of an unknown name says which there are.
func (m *Message) Get(name string) (any, error) {
	f, err := m.field(name)
	if err != nil {
		return nil, err
	}
	v, _ := f.Get(wire.ValueOf(m))
	if !v.IsValid() {
		return nil, nil
	}
	return toGo(&f.ValueType, v), nil
}

// Set sets a field to a value of a type that Get returns, or one that means the same: any integer for a number in whose
// range it is, any slice or map of fitting elements, a map with string keys for a struct or a union. Nil makes the
// field absent. Setting a member of a union clears the others. After an error the field has the value that it had
// before.
func (m *Message) Set(name string, value any) error {
	f, err := m.field(name)
	if err != nil {
		return err
	}
	if value == nil {
		m.Record().Clear(f)
		return nil
	}
	err = f.Fill(wire.ValueOf(m), func(place reflect.Value) error {
		place.SetZero()
		return setValue(&f.ValueType, place, reflect.ValueOf(value))
	})
	switch {
	case err == nil:
		return nil
	case f.Sensitive: // err may quote what is
		err = fmt.Errorf("the value is not %s", describe(&f.ValueType))
	}
	return inField(name, err)
}

// SetAll sets the fields that values names. At an error some may have been set.
func (m *Message) SetAll(values map[string]any) error {
	for _, name := range sortedKeys(values) {
		if err := m.Set(name, values[name]); err != nil {
			return err
		}
	}
	return nil
}

// Has reports whether a field was set or read, be it to its default.
func (m *Message) Has(name string) bool {
	f := m.Record().Type().ByName(name)
	return f != nil && m.Record().Has(f)
}

// Member returns the name of the member that a union holds, or "".
func (m *Message) Member() string {
	if f := m.Record().Member(); f != nil {
		return f.Name
	}
	return ""
}

func (m *Message) field(name string) (*wire.Field, error) {
	t := m.Record().Type()
	if f := t.ByName(name); f != nil {
		return f, nil
	}
	names := make([]string, len(t.Fields))
	for i := range t.Fields {
		names[i] = t.Fields[i].Name
	}
	return nil, fmt.Errorf("there is no %s in %s; there is %s", rpc.Quote(name), t.Name, nearest.List(name, names))
}
