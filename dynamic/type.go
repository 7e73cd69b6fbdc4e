package dynamic

import (
	"fmt"
	"reflect"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/wire"
)

// A Type is a struct, a union or an exception of a definition.
type Type struct {
	name   string
	fields []*schema.Field
	wire   *wire.Type
}

// Name returns the full name: "calc.Point".
func (t *Type) Name() string { return t.name }

// Fields returns the fields, or the members of a union, in the order of the text. Nobody changes the list.
func (t *Type) Fields() []*schema.Field { return t.fields }

// New returns a message of the type, in which every field has its default.
func (t *Type) New() *Message { return (*Message)(wire.NewRecord(t.wire)) }

// A builder makes types of a schema. First all are declared, then defined, since they may lead back to themselves.
type builder struct {
	types map[any]*Type // by *schema.Struct, *schema.Union or *schema.Exception
	enums map[*schema.Enum]*wire.Enum
	all   []*Type
}

func newBuilder() *builder {
	return &builder{types: make(map[any]*Type), enums: make(map[*schema.Enum]*wire.Enum)}
}

// declare returns the types of f, still without fields.
func (b *builder) declare(f *schema.File) []*Type {
	first := len(b.all)
	add := func(declared any, name string, fields []*schema.Field, union bool) {
		t := &Type{name: f.Package + "." + name, fields: fields, wire: wire.NewType(name, union)}
		t.wire.Full = t.name
		b.types[declared] = t
		b.all = append(b.all, t)
	}
	for _, s := range f.Structs {
		add(s, s.Name, s.Fields, false)
	}
	for _, u := range f.Unions {
		add(u, u.Name, u.Members, true)
	}
	for _, x := range f.Exceptions {
		add(x, x.Name, x.Fields, false)
	}
	for _, e := range f.Enums {
		var names []string
		var numbers []int32
		for _, v := range e.Values {
			names, numbers = append(names, v.Name), append(numbers, v.Number)
		}
		b.enums[e] = wire.NewEnum(e.Name, names, numbers)
	}
	return b.all[first:]
}

func (b *builder) define() error {
	for _, t := range b.all {
		if err := b.defineFields(t.wire, t.fields); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

func (b *builder) defineFields(t *wire.Type, fields []*schema.Field) error {
	var defined []wire.Field
	for _, f := range fields {
		v, err := b.valueType(f.Type)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		defined = append(defined, wire.Field{
			ValueType: v, Number: f.Number, Name: f.Name, Required: f.Required, Sensitive: f.Sensitive,
			Optional: f.Type.Optional, Default: defaultOf(f), Constraints: constraintsOf(f),
		})
	}
	t.Define(defined)
	return nil
}

func (b *builder) valueType(t *schema.Type) (v wire.ValueType, err error) {
	v.Kind = kinds[t.Kind]
	switch t.Kind {
	case schema.List, schema.Map:
		var elem wire.ValueType
		if elem, err = b.valueType(t.Elem); err != nil {
			return v, err
		}
		v.Elem = &elem
		if t.Kind == schema.Map {
			var key wire.ValueType
			key, err = b.valueType(t.Key)
			v.Key = &key
		}
	case schema.EnumType:
		if v.Enum = b.enums[t.Enum]; v.Enum == nil {
			err = fmt.Errorf("the enum %s is in no file that was loaded or imported", t.Enum.Name)
		}
	case schema.StructType:
		v.Type, err = b.find(t.Struct, t.Struct.Name)
	case schema.UnionType:
		v.Type, err = b.find(t.Union, t.Union.Name)
	}
	return v, err
}

func (b *builder) find(declared any, name string) (*wire.Type, error) {
	if t := b.types[declared]; t != nil {
		return t.wire, nil
	}
	return nil, fmt.Errorf("the type %s is in no file that was loaded or imported", name)
}

var kinds = [...]wire.Kind{
	schema.Bool: wire.KindBool, schema.Int: wire.KindInt32, schema.Long: wire.KindInt64, schema.Uint: wire.KindUint32,
	schema.Ulong: wire.KindUint64, schema.Float: wire.KindFloat32, schema.Double: wire.KindFloat64,
	schema.String: wire.KindString, schema.Bytes: wire.KindBytes, schema.Timestamp: wire.KindTimestamp,
	schema.Duration: wire.KindDuration, schema.List: wire.KindList, schema.Map: wire.KindMap,
	schema.EnumType: wire.KindEnum, schema.StructType: wire.KindStruct, schema.UnionType: wire.KindUnion,
}

// defaultOf returns the default of a field, or the zero Value where the text gives none.
func defaultOf(f *schema.Field) reflect.Value { return valueOf(f.Type, f.Default) }

// valueOf returns a default or a bound as the codecs have it, the zero Value for none.
func valueOf(t *schema.Type, d *schema.Value) reflect.Value {
	if d == nil {
		return reflect.Value{}
	}
	switch t.Kind {
	case schema.Bool:
		return reflect.ValueOf(d.Bool)
	case schema.Int:
		return reflect.ValueOf(int32(d.Int))
	case schema.Long:
		return reflect.ValueOf(d.Int)
	case schema.Uint:
		return reflect.ValueOf(uint32(d.Uint))
	case schema.Ulong:
		return reflect.ValueOf(d.Uint)
	case schema.Float:
		return reflect.ValueOf(float32(d.Float))
	case schema.Double:
		return reflect.ValueOf(d.Float)
	case schema.String:
		return reflect.ValueOf(d.String)
	case schema.Bytes:
		return reflect.ValueOf(d.Bytes)
	case schema.Timestamp:
		return reflect.ValueOf(d.Time)
	case schema.Duration:
		return reflect.ValueOf(time.Duration(d.Duration))
	case schema.EnumType:
		return reflect.ValueOf(d.Enum.Number)
	}
	return reflect.Value{}
}
