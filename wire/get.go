package wire

import (
	"iter"
	"reflect"
	"strings"
)

// Get returns the value of the field of m that its definition calls name ("num1", or "firstName" for first_name), for
// code that knows a message by the definition alone, such as an interceptor. It reports false, beside the zero value,
// where m has no such field, the field is optional and absent, or its value is no T:
//
//	bool int long uint ulong    bool, int32, int64, uint32, uint64
//	float double string bytes   float32, float64, string, []byte
//	timestamp duration          time.Time, time.Duration
//	enum                        string, its name or number; int32; or the generated type
//	list<T> map<K, V> union     as in generated code, or of *Record
//	struct                      Message; or a pointer to the generated struct
//
// Any value is an any, an enum by its name. Generated messages and [Record]s give the same, but for the generated
// types. Nothing is copied: lists, maps, bytes and structs are those of m, and are kept no longer than m. What is
// sensitive is returned as it is; see [Masked.All] for what may be shown.
func Get[T any](m Message, name string) (value T, ok bool) {
	f, v := find(m, name)
	if !v.IsValid() {
		return value, false
	}
	if v.CanAddr() && f.Kind != KindEnum {
		if p, same := v.Addr().Interface().(*T); same { // without an allocation
			return *p, true
		}
	}
	if f.Kind == KindEnum {
		if n, same := any(&value).(*int32); same {
			*n = int32(v.Int())
			return value, true
		}
		if value, ok = v.Interface().(T); ok && reflect.TypeFor[T]() != reflect.TypeFor[any]() {
			return value, true
		}
	}
	value, ok = valueOf(&f.ValueType, v).(T)
	return value, ok
}

// All yields the name of each field of m, as declared, in ascending order of number, and its value as Get[any] returns
// it; nil for one that is absent.
func All(m Message) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if _, opaque := m.(*JSONText); opaque {
			return
		}
		t, v := TypeOf(m), ValueOf(m)
		for i := range t.Fields {
			f := &t.Fields[i]
			x, _ := f.Get(v)
			if !yield(f.Name, valueOf(&f.ValueType, x)) {
				return
			}
		}
	}
}

// All yields the fields of m as [All] does, with *** in place of what is sensitive. Structs, unions, lists and maps are
// text, as [String] has it.
func (m Masked) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i := range m.t.Fields {
			if f := &m.t.Fields[i]; !yield(f.Name, m.shown(f)) {
				return
			}
		}
	}
}

// shown returns the value of f for people.
func (m Masked) shown(f *Field) any {
	v, _ := f.Get(m.v)
	switch {
	case f.Sensitive:
		return mask
	case !v.IsValid():
		return nil
	case f.Kind < KindList:
		return valueOf(&f.ValueType, v)
	case f.Kind == KindUnion && !f.Type.HasMember(v):
		return nil
	}
	w := jsonWriter{log: true}
	if err := w.value(&f.ValueType, v); err == nil && len(w.b) <= maxText {
		return string(w.b)
	}
	return strings.ToValidUTF8(string(w.b[:min(len(w.b), maxText)]), "") + "…"
}

// find returns the field of m with a name and its value; the zero Value where there is none.
func find(m Message, name string) (*Field, reflect.Value) {
	if _, opaque := m.(*JSONText); opaque {
		return nil, reflect.Value{}
	}
	f := TypeOf(m).ByName(name)
	if f == nil {
		return nil, reflect.Value{}
	}
	v, _ := f.Get(ValueOf(m))
	return f, v
}

// valueOf returns v as Get returns it to those who ask for any.
func valueOf(t *ValueType, v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	switch t.Kind {
	case KindEnum:
		return t.EnumName(v)
	case KindStruct:
		if t.Go != recordType {
			return v.Addr().Interface()
		}
		if recordOf(v) == nil { // all of it is default
			return NewRecord(t.Type)
		}
	case KindUnion:
		if !t.Type.HasMember(v) {
			return nil
		}
	}
	return v.Interface()
}
