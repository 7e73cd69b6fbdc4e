package wire

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A Record is a message of a type that the program learns while it runs: one that [NewType] made, and no generated code
// knows. It reads and writes the same bytes, JSON and basic messages as a generated message of the same definition, by
// the rules of its Type. Package dynamic makes the types, and gives the fields by name.
//
// A field that was never set takes no memory beyond its slot. The value of a struct or a union is a *Record, which is
// nil where all of it is default or no member is set.
type Record struct {
	typ *Type
	// slots are those of the fields, by Field.index; empty until the first is set. A slot holds a pointer to the value,
	// such as *int32 or *[]string, or the *Record of a struct or a union; nil where the field is absent.
	slots []any
}

// A RecordHolder is a message that is a Record underneath: [TypeOf] and [ValueOf] are those of the Record.
type RecordHolder interface {
	Message
	Record() *Record
}

var recordType = reflect.TypeFor[*Record]()

// NewRecord returns a message of type t, which NewType made, with every field absent.
func NewRecord(t *Type) *Record {
	if t.Go != recordType {
		panic(fmt.Sprintf("wire: %s is the type of generated code, of which there are no records", t.Name))
	}
	return &Record{typ: t}
}

// Record returns r, and so implements RecordHolder.
func (r *Record) Record() *Record { return r }

// Type returns the type of r.
func (r *Record) Type() *Type { return r.typ }

// Has reports whether the field is there: it was set or read, be it to its default.
func (r *Record) Has(f *Field) bool { return r.slot(f) != nil }

// Clear makes the field absent.
func (r *Record) Clear(f *Field) {
	if len(r.slots) > 0 {
		r.slots[f.index] = nil
	}
}

// Member returns the member that a union holds, or nil.
func (r *Record) Member() *Field {
	if r == nil || !r.typ.Union {
		return nil
	}
	for i := range r.slots {
		if r.slots[i] != nil {
			return &r.typ.Fields[i]
		}
	}
	return nil
}

// Reset makes every field absent.
func (r *Record) Reset() { clear(r.slots) }

// slot returns what the field's slot holds.
func (r *Record) slot(f *Field) any {
	if r == nil || len(r.slots) == 0 {
		return nil
	}
	return r.slots[f.index]
}

// place returns the field's slot, to be filled. The other members of a union go.
func (r *Record) place(f *Field) *any {
	switch {
	case len(r.slots) == 0:
		r.slots = make([]any, len(r.typ.Fields))
	case r.typ.Union && r.slots[f.index] == nil:
		clear(r.slots)
	}
	return &r.slots[f.index]
}

// NewType returns a type of records, or of unions of them. [Type.Define] gives it its fields, which may lead back to
// it.
func NewType(name string, union bool) *Type { return &Type{Name: name, Go: recordType, Union: union} }

// Define gives t, which NewType made and nobody uses yet, its fields. Of a field count Number, Name, Required,
// Sensitive, Optional, Default (a value of the Go type that generated code has, int32 for an enum; the zero Value for
// none), Constraints, and of a ValueType Kind, Key, Elem, Type and Enum. The rest is derived from these.
func (t *Type) Define(fields []Field) {
	t.Fields = fields
	slices.SortFunc(t.Fields, func(x, y Field) int { return x.Number - y.Number })
	for i := range t.Fields {
		f := &t.Fields[i]
		f.record, f.JSONName = t, jsonName(f.Name)
		f.derive()
		if !f.Default.IsValid() {
			f.Default = reflect.Zero(f.Go)
		}
	}
	t.index()
}

// derive fills the Go type of a record's value, and what that of a map needs for its entries.
func (t *ValueType) derive() {
	switch t.Kind {
	case KindStruct, KindUnion:
		t.Go = recordType
	case KindList:
		t.Elem.derive()
		t.Go = reflect.SliceOf(t.Elem.Go)
	case KindMap:
		t.Key.derive()
		t.Elem.derive()
		t.Go = reflect.MapOf(t.Key.Go, t.Elem.Go)
		t.entry = &[2]Field{{ValueType: *t.Key, Number: 1}, {ValueType: *t.Elem, Number: 2}}
	default:
		t.Go = goTypes[t.Kind]
	}
}

// Size is what one more value of t takes in memory, in bytes, for the limits of readers: see [Allowance].
func (t *ValueType) Size() int {
	n := int(t.Go.Size())
	if t.Go == recordType {
		n += t.Type.size()
	}
	return n
}

// size is what a record takes in memory, without the values of its fields.
func (t *Type) size() int { return 32 + 16*len(t.Fields) }

// An Enum is an enum whose values have no Go type of their own.
type Enum struct {
	Name    string
	names   []string
	byName  map[string]int32
	byValue map[int32]string
}

// NewEnum returns an enum with the given names, of which the i-th stands for numbers[i].
func NewEnum(name string, names []string, numbers []int32) *Enum {
	e := &Enum{Name: name, names: names, byName: make(map[string]int32), byValue: make(map[int32]string)}
	for i, n := range numbers {
		e.byName[names[i]] = n
		if _, ok := e.byValue[n]; !ok {
			e.byValue[n] = names[i]
		}
	}
	return e
}

// NameOf returns the name of a value, or its number in decimal where it has none.
func (e *Enum) NameOf(number int32) string {
	if name, ok := e.byValue[number]; ok {
		return name
	}
	return strconv.Itoa(int(number))
}

// Number returns the value that is called name. The error says which names there are.
func (e *Enum) Number(name string) (int32, error) {
	if n, ok := e.byName[name]; ok {
		return n, nil
	}
	return 0, fmt.Errorf("%s is no %s, which are %s", quote(name), e.Name, strings.Join(e.names, ", "))
}

// get is Field.Get for a record. Of a required field that is absent there is nothing to write, so that its reader says
// that it is missing.
func (f *Field) get(m reflect.Value) (v reflect.Value, write bool) {
	switch p := recordOf(m).slot(f); {
	case p != nil:
		v = valueAt(p)
		return v, f.always() || !f.IsDefault(v)
	case f.Optional || f.record.Union:
		return reflect.Value{}, false
	default:
		return f.Default, false
	}
}

// always reports whether a field that is there is written even if it equals its default.
func (f *Field) always() bool { return f.Required || f.Optional || f.record.Union }

// fill is Field.Fill for a record; m is a place that holds one or nil, or is one.
func (f *Field) fill(m reflect.Value, read func(place reflect.Value) error) error {
	r := recordOf(m)
	cell := reflect.New(f.Go)
	place := cell.Elem()
	switch old := r.slot(f); {
	case old != nil && !f.Optional && !f.record.Union:
		place.Set(valueAt(old))
	case !f.Optional && !f.record.Union:
		place.Set(f.Default)
	}
	if err := read(place); err != nil {
		return err
	}
	if r == nil {
		r = NewRecord(f.record)
		m.Set(reflect.ValueOf(r))
	}
	r.set(f, cell)
	return nil
}

// set puts the value that cell points to into the field's slot. A record that is there is never nil.
func (r *Record) set(f *Field, cell reflect.Value) {
	p := cell.Interface()
	if f.Go == recordType {
		inner := *p.(**Record)
		if inner == nil {
			inner = NewRecord(f.Type)
		}
		p = inner
	}
	*r.place(f) = p
}

// valueAt returns the value of a slot that is not empty.
func valueAt(p any) reflect.Value {
	if r, ok := p.(*Record); ok {
		return reflect.ValueOf(r)
	}
	return reflect.ValueOf(p).Elem()
}

func recordOf(m reflect.Value) *Record { return m.Interface().(*Record) }
