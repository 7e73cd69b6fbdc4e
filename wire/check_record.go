package wire

import (
	"cmp"
	"reflect"
	"sync/atomic"
	"time"
)

// Constraints are what the values of a Record's field have to keep to. Of a list or a map all but Items hold for each
// element.
type Constraints struct {
	Min, Max reflect.Value // of the type that the value has in Go; the zero Value for none
	Len      *Span         // characters of a string, bytes of a bytes; nil for any
	Items    *Span         // elements of a list or a map; nil for any
	Pattern  *Pattern      // nil for none
}

// A Span is a number of things, from Least to Most.
type Span struct {
	Least, Most int // Most is NoMax for any
}

// Constrained reports whether a field of t has Constraints, or one of what its fields hold, at any depth.
func (t *Type) Constrained() bool {
	return t.any(func(t *Type) *atomic.Int32 { return &t.constrained },
		func(f *Field) bool { return f.Constraints != nil })
}

// CheckConstraints implements [Constrained], by the Constraints of the record's type. The first message of a stream of
// arguments is checked as any other; those with elements have those alone.
func (r *Record) CheckConstraints(c *Checker) {
	if !r.typ.Constrained() {
		return
	}
	for i := range r.typ.Fields {
		f := &r.typ.Fields[i]
		v, _ := f.get(reflect.ValueOf(r))
		if !v.IsValid() || f.Required && !r.Has(f) {
			continue
		}
		if f.Constraints != nil && f.Constraints.Items != nil {
			f.name(c).Items(v.Len(), f.Constraints.Items.Least, f.Constraints.Items.Most)
		}
		if f.Constraints.ofValues() || f.within() {
			f.check(c, v)
		}
	}
}

// ofValues reports whether there are constraints beside Items.
func (c *Constraints) ofValues() bool {
	return c != nil && (c.Min.IsValid() || c.Max.IsValid() || c.Len != nil || c.Pattern != nil)
}

// name says that the next value is that of the field.
func (f *Field) name(c *Checker) *Checker {
	if f.Sensitive {
		return c.Sensitive(f.Name)
	}
	return c.Field(f.Name)
}

// within reports whether what the field holds has constraints.
func (f *Field) within() bool {
	t := &f.ValueType
	if t.Elem != nil {
		t = t.Elem
	}
	return t.Type != nil && t.Type.Constrained()
}

func (f *Field) check(c *Checker, v reflect.Value) {
	switch f.Kind {
	case KindList:
		for i := range v.Len() {
			f.Elem.check(f.name(c).Elem(i), v.Index(i), f.Constraints)
		}
	case KindMap:
		for entries := v.MapRange(); entries.Next(); {
			f.Elem.check(f.nameKey(c, entries.Key()), entries.Value(), f.Constraints)
		}
	default:
		f.ValueType.check(f.name(c), v, f.Constraints)
	}
}

func (f *Field) nameKey(c *Checker, key reflect.Value) *Checker {
	f.name(c)
	switch f.Key.Kind {
	case KindString:
		return Key(c, key.String())
	case KindBool:
		return Key(c, key.Bool())
	case KindUint32, KindUint64:
		return Key(c, key.Uint())
	}
	return Key(c, key.Int())
}

// check checks the next value of c, which is no list and no map.
func (t *ValueType) check(c *Checker, v reflect.Value, want *Constraints) {
	if t.Type != nil {
		if r := recordOf(v); t.Kind == KindStruct {
			if r == nil { // all of it is default
				r = NewRecord(t.Type)
			}
			c.Message(r)
		} else if r != nil {
			c.Message(r)
		}
		return
	}
	if want == nil {
		return
	}
	if want.Len != nil {
		if t.Kind == KindBytes {
			c.Size(v.Bytes(), want.Len.Least, want.Len.Most)
		} else {
			c.Len(v.String(), want.Len.Least, want.Len.Most)
		}
	}
	if want.Pattern != nil {
		c.Match(v.String(), want.Pattern)
	}
	if !want.Min.IsValid() && !want.Max.IsValid() {
		return
	}
	switch t.Kind {
	case KindInt32, KindInt64:
		bound(c, v, want, reflect.Value.Int)
	case KindUint32, KindUint64:
		bound(c, v, want, reflect.Value.Uint)
	case KindFloat32:
		bound(c, v, want, func(v reflect.Value) float32 { return float32(v.Float()) })
	case KindFloat64:
		bound(c, v, want, reflect.Value.Float)
	case KindDuration:
		bound(c, v, want, func(v reflect.Value) time.Duration { return time.Duration(v.Int()) })
	case KindTimestamp:
		if want.Min.IsValid() {
			c.NotBefore(TimeOf(v), TimeOf(want.Min))
		}
		if want.Max.IsValid() {
			c.NotAfter(TimeOf(v), TimeOf(want.Max))
		}
	}
}

func bound[T cmp.Ordered](c *Checker, v reflect.Value, want *Constraints, of func(reflect.Value) T) {
	if want.Min.IsValid() {
		AtLeast(c, of(v), of(want.Min))
	}
	if want.Max.IsValid() {
		AtMost(c, of(v), of(want.Max))
	}
}
