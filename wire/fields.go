package wire

import (
	"bytes"
	"math"
	"reflect"
	"sync/atomic"
)

// A Type describes a message or a union: which fields it has, and how to reach them. A reader or writer of a format is
// a loop over Fields around one switch over [Kind]. Types are shared; nobody changes them.
type Type struct {
	Name   string       // of the Go type: "Point", "divideArgs"
	Full   string       // of a Record's declared type: "calc.Point"; empty for others
	Go     reflect.Type // a struct, or the interface of a union
	Union  bool         // Fields are the members, of which at most one is set
	Fields []Field      // in ascending order of number

	byName      map[string]*Field
	required    bool         // there are required fields
	sensitive   atomic.Int32 // what Sensitive found; 0 before
	constrained atomic.Int32 // what Constrained found; 0 before
}

// A Field is one field of a message, or one member of a union.
type Field struct {
	ValueType
	Number    int
	Name      string        // as declared: "first_name"
	JSONName  string        // "firstName"
	Required  bool          // an argument that every call carries, and that is written even if it equals its default
	Sensitive bool          // shown as *** to people
	Optional  bool          // declared T?: a pointer in Go, nil where absent
	Default   reflect.Value // what Reset gives the field; not to be changed

	// Constraints are those of a Record's field, nil for none; generated code checks its own.
	Constraints *Constraints

	index  int          // in the Type's Fields
	goPath int          // in the Go struct
	member reflect.Type // the wrapper of a union's member
	record *Type        // of the field of a Record: the type that has the field
}

// A ValueType describes the value of a field, or an element of a list, or a key or an element of a map.
type ValueType struct {
	Kind Kind
	Go   reflect.Type // without the pointer of an optional field
	Key  *ValueType   // of a map
	Elem *ValueType   // of a list or a map
	Type *Type        // of a struct or a union
	Enum *Enum        // of a Record's enum; those of generated code know their names themselves

	entry *[2]Field // of a map in a Record: the key and the element as the fields of an entry
}

// TypeOf returns the type of m. It panics if m was neither generated from a definition nor is a [Record].
func TypeOf(m Message) *Type {
	if r, ok := m.(RecordHolder); ok {
		return r.Record().typ
	}
	return typeOf(reflect.TypeOf(m).Elem())
}

// ValueOf returns the message that m points to, for use with the fields of its [Type].
func ValueOf(m Message) reflect.Value {
	if r, ok := m.(RecordHolder); ok {
		return reflect.ValueOf(r.Record())
	}
	return reflect.ValueOf(m).Elem()
}

// HasMember reports whether the union u holds a member.
func (t *Type) HasMember(u reflect.Value) bool {
	if t.Go == recordType {
		return recordOf(u).Member() != nil
	}
	return !u.IsNil()
}

// ByNumber returns the field with the given number, or nil.
func (t *Type) ByNumber(number int) *Field {
	if i := number - 1; i >= 0 && i < len(t.Fields) && t.Fields[i].Number == number {
		return &t.Fields[i]
	}
	for i := range t.Fields {
		if t.Fields[i].Number == number {
			return &t.Fields[i]
		}
	}
	return nil
}

// ByName returns the field with the given name, as declared or as in JSON, or nil.
func (t *Type) ByName(name string) *Field { return t.byName[name] }

// A FieldSet is a set of the fields of one Type: those that a reader has seen.
type FieldSet struct {
	first uint64
	more  []uint64
}

// Add adds f and reports whether it was not there before.
func (s *FieldSet) Add(f *Field) bool {
	word := &s.first
	if i := f.index / 64; i > 0 {
		for len(s.more) < i {
			s.more = append(s.more, 0)
		}
		word = &s.more[i-1]
	}
	bit := uint64(1) << (f.index % 64)
	added := *word&bit == 0
	*word |= bit
	return added
}

func (s *FieldSet) has(f *Field) bool {
	word := s.first
	if i := f.index / 64; i > 0 {
		if len(s.more) < i {
			return false
		}
		word = s.more[i-1]
	}
	return word>>(f.index%64)&1 != 0
}

// Missing returns the first required field that is not in s, or nil.
func (t *Type) Missing(s *FieldSet) *Field {
	if !t.required {
		return nil
	}
	for i := range t.Fields {
		if f := &t.Fields[i]; f.Required && !s.has(f) {
			return f
		}
	}
	return nil
}

// Apart reports whether a value of the field takes memory of its own, beside that of the message: see [Allowance].
func (f *Field) Apart() bool { return f.Optional || f.member != nil || f.record != nil }

// Get returns the field's value in the message or union m, without the pointer of an optional one, and whether a writer
// has to write it: it is required, or present and not equal to its default. A value is returned in any case, except for
// an optional field or a member that is not set: there it is the zero [reflect.Value].
func (f *Field) Get(m reflect.Value) (v reflect.Value, write bool) {
	if f.record != nil {
		return f.get(m)
	}
	if f.member != nil {
		wrapper := m.Elem()
		if wrapper.Kind() == reflect.Pointer {
			wrapper = wrapper.Elem()
		}
		if !wrapper.IsValid() || wrapper.Type() != f.member {
			return reflect.Value{}, false
		}
		return wrapper.Field(f.goPath), true
	}
	v = m.Field(f.goPath)
	if f.Optional {
		return v.Elem(), !v.IsNil()
	}
	return v, f.Required || !f.IsDefault(v)
}

// Stray returns an error if t is a union and v holds something else than one of its members, or a pointer to one: Go
// takes a nil pointer to a member for a member, and a type that has one embedded.
func (t *Type) Stray(v reflect.Value) error {
	if !t.Union || t.Go == recordType || v.IsNil() {
		return nil
	}
	for i := range t.Fields {
		if _, there := t.Fields[i].Get(v); there {
			return nil
		}
	}
	return errNoMember(t.Go, v.Elem())
}

func errNoMember(union reflect.Type, v reflect.Value) error {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return jsonErrorf("a nil %v is no %s; for none of its members leave the %s itself nil", v.Type(), union.Name(),
			union.Name())
	}
	return jsonErrorf("a %v is no member of %s", v.Type(), union.Name())
}

// Fill calls read with the place of the field's value in the message or union m, which is addressable. The place holds
// what it held before, or the type's default where the field is optional or a member of a union; such a field is set
// only if read returns nil.
func (f *Field) Fill(m reflect.Value, read func(place reflect.Value) error) error {
	if f.record != nil {
		return f.fill(m, read)
	}
	if f.member != nil {
		wrapper := reflect.New(f.member).Elem()
		place := wrapper.Field(f.goPath)
		f.Reset(place)
		if err := read(place); err != nil {
			return err
		}
		m.Set(wrapper)
		return nil
	}
	place := m.Field(f.goPath)
	if !f.Optional {
		return read(place)
	}
	pointer := reflect.New(f.Go)
	f.Reset(pointer.Elem())
	if err := read(pointer.Elem()); err != nil {
		return err
	}
	place.Set(pointer)
	return nil
}

// IsDefault reports whether v, a value of the field without the pointer of an optional one, equals the field's default.
// NaN equals NaN, and 0 does not equal -0.
func (f *Field) IsDefault(v reflect.Value) bool {
	switch f.Kind {
	case KindBool:
		return v.Bool() == f.Default.Bool()
	case KindInt32, KindInt64, KindDuration, KindEnum:
		return v.Int() == f.Default.Int()
	case KindUint32, KindUint64:
		return v.Uint() == f.Default.Uint()
	case KindFloat32, KindFloat64:
		x, y := v.Float(), f.Default.Float()
		return math.Float64bits(x) == math.Float64bits(y) || x != x && y != y
	case KindString:
		return v.String() == f.Default.String()
	case KindBytes:
		return bytes.Equal(v.Bytes(), f.Default.Bytes())
	case KindTimestamp:
		return TimeOf(v).Equal(TimeOf(f.Default))
	case KindList, KindMap:
		return v.Len() == 0
	case KindUnion:
		return !f.Type.HasMember(v)
	default:
		return f.Type.isDefault(v)
	}
}

// isDefault reports whether every field of the struct v is absent or equal to its default.
func (t *Type) isDefault(v reflect.Value) bool {
	for i := range t.Fields {
		if _, write := t.Fields[i].Get(v); write {
			return false
		}
	}
	return true
}

// Reset sets v to what a reader begins with: a struct's defaults, else zero.
func (t *ValueType) Reset(v reflect.Value) {
	if t.Kind == KindStruct && t.Go != recordType {
		v.Addr().Interface().(Message).Reset()
		return
	}
	v.SetZero()
}

// Append calls read with the place of one more element of list, which is addressable. The list keeps it also if read
// fails.
func (t *ValueType) Append(list reflect.Value, read func(place reflect.Value) error) error {
	n := list.Len()
	if n == list.Cap() {
		list.Grow(max(1, n)) // doubling leaves less garbage than the built-in append does
	}
	list.SetLen(n + 1)
	t.Elem.Reset(list.Index(n))
	return read(list.Index(n))
}

// NewEntry returns the places of a key and an element, for [ValueType.Put].
func (t *ValueType) NewEntry() (key, elem reflect.Value) {
	key, elem = reflect.New(t.Key.Go).Elem(), reflect.New(t.Elem.Go).Elem()
	t.Elem.Reset(elem)
	return key, elem
}

// Put stores an entry in m, which is addressable, and reports whether the key was not there before.
func (t *ValueType) Put(m, key, elem reflect.Value) bool {
	if m.IsNil() {
		m.Set(reflect.MakeMap(t.Go))
	}
	n := m.Len()
	m.SetMapIndex(key, elem)
	return m.Len() > n
}
