package wire

import (
	"reflect"
	"time"
)

// EncodeWire implements [Message].
func (r *Record) EncodeWire(e *Encoder) {
	if r == nil { // an element of a list, all of which is default
		return
	}
	for i, p := range r.slots {
		if p != nil {
			r.typ.Fields[i].encode(e, p)
		}
	}
}

// encode writes the field that a slot holds, unless it equals its default.
func (f *Field) encode(e *Encoder, p any) {
	if !f.always() {
		switch f.Kind {
		case KindStruct:
			e.PutNonEmpty(f.Number, p.(*Record))
			return
		default:
			if f.holdsDefault(p) {
				return
			}
		}
	}
	f.ValueType.encode(e, f.Number, p)
}

// holdsDefault is IsDefault for a slot. The usual kinds go without reflection on the value.
func (f *Field) holdsDefault(p any) bool {
	switch p := p.(type) {
	case *bool:
		return *p == f.Default.Bool()
	case *int32:
		return int64(*p) == f.Default.Int()
	case *int64:
		return *p == f.Default.Int()
	case *string:
		return *p == f.Default.String()
	case *float64:
		if *p != 0 && *p == *p {
			return *p == f.Default.Float()
		}
	}
	return f.IsDefault(valueAt(p))
}

// encode writes the value that a slot holds, whatever it is.
func (t *ValueType) encode(e *Encoder, number int, p any) {
	switch t.Kind {
	case KindBool:
		e.PutBool(number, *p.(*bool))
	case KindInt32, KindEnum:
		e.PutInt32(number, *p.(*int32))
	case KindInt64:
		e.PutInt64(number, *p.(*int64))
	case KindUint32:
		e.PutUint32(number, *p.(*uint32))
	case KindUint64:
		e.PutUint64(number, *p.(*uint64))
	case KindFloat32:
		e.PutFloat32(number, *p.(*float32))
	case KindFloat64:
		e.PutFloat64(number, *p.(*float64))
	case KindString:
		e.PutString(number, *p.(*string))
	case KindBytes:
		e.PutBytes(number, *p.(*[]byte))
	case KindTimestamp:
		e.PutTime(number, *p.(*time.Time))
	case KindDuration:
		e.PutDuration(number, *p.(*time.Duration))
	case KindList:
		t.Elem.encodeList(e, number, p)
	case KindMap:
		t.encodeMap(e, number, reflect.ValueOf(p).Elem())
	default:
		e.PutMessage(number, p.(*Record))
	}
}

// encodeList writes a list of t.
func (t *ValueType) encodeList(e *Encoder, number int, p any) {
	switch t.Kind {
	case KindBool:
		e.PutBools(number, *p.(*[]bool))
	case KindInt32, KindEnum:
		e.PutInt32s(number, *p.(*[]int32))
	case KindInt64:
		e.PutInt64s(number, *p.(*[]int64))
	case KindUint32:
		e.PutUint32s(number, *p.(*[]uint32))
	case KindUint64:
		e.PutUint64s(number, *p.(*[]uint64))
	case KindFloat32:
		e.PutFloat32s(number, *p.(*[]float32))
	case KindFloat64:
		e.PutFloat64s(number, *p.(*[]float64))
	case KindString:
		e.PutStrings(number, *p.(*[]string))
	case KindBytes:
		e.PutBlobs(number, *p.(*[][]byte))
	case KindTimestamp:
		e.PutTimes(number, *p.(*[]time.Time))
	case KindDuration:
		e.PutDurations(number, *p.(*[]time.Duration))
	default:
		for _, r := range *p.(*[]*Record) {
			e.PutMessage(number, r)
		}
	}
}

// encodeMap writes the map m in no particular order, as generated code does.
func (t *ValueType) encodeMap(e *Encoder, number int, m reflect.Value) {
	key, elem := reflect.New(t.Key.Go), reflect.New(t.Elem.Go) // one for all entries
	k, v := key.Interface(), elem.Interface()
	for entries := m.MapRange(); entries.Next(); {
		key.Elem().SetIterKey(entries)
		elem.Elem().SetIterValue(entries)
		if r, ok := elem.Interface().(**Record); ok {
			v = *r
		}
		start := e.begin(number)
		t.Key.encode(e, 1, k)
		t.Elem.encode(e, 2, v)
		e.end(start)
	}
}

// DecodeWire implements [Message].
func (r *Record) DecodeWire(d *Decoder) {
	for d.Next() {
		if f := r.typ.ByNumber(d.Field()); f != nil {
			f.decode(d, r.place(f))
		}
	}
	if !r.typ.required {
		return
	}
	for i := range r.typ.Fields {
		if f := &r.typ.Fields[i]; f.Required {
			d.Require(r.Has(f), f.Name)
		}
	}
}

// decode reads the current field, whose number is f's, into its slot.
func (f *Field) decode(d *Decoder, slot *any) {
	switch f.Kind {
	case KindBool:
		decodeScalar(d, f.Number, slot, (*Decoder).Bool)
	case KindInt32, KindEnum:
		decodeScalar(d, f.Number, slot, (*Decoder).Int32)
	case KindInt64:
		decodeScalar(d, f.Number, slot, (*Decoder).Int64)
	case KindUint32:
		decodeScalar(d, f.Number, slot, (*Decoder).Uint32)
	case KindUint64:
		decodeScalar(d, f.Number, slot, (*Decoder).Uint64)
	case KindFloat32:
		decodeScalar(d, f.Number, slot, (*Decoder).Float32)
	case KindFloat64:
		decodeScalar(d, f.Number, slot, (*Decoder).Float64)
	case KindString:
		decodeScalar(d, f.Number, slot, (*Decoder).String)
	case KindBytes:
		decodeScalar(d, f.Number, slot, (*Decoder).Bytes)
	case KindTimestamp:
		decodeScalar(d, f.Number, slot, (*Decoder).Time)
	case KindDuration:
		decodeScalar(d, f.Number, slot, (*Decoder).Duration)
	case KindList:
		f.decodeList(d, slot)
	case KindMap:
		f.decodeMap(d, slot)
	default:
		r, ok := (*slot).(*Record)
		if !ok {
			d.spend(f.Type.size())
			r = NewRecord(f.Type)
			*slot = r
		}
		d.message(r)
	}
}

func decodeScalar[T any](d *Decoder, number int, slot *any, read func(*Decoder, int, *T) bool) {
	p := new(T)
	read(d, number, p)
	*slot = p
}

func (f *Field) decodeList(d *Decoder, slot *any) {
	switch f.Elem.Kind {
	case KindBool:
		decodeInto(d, f.Number, slot, (*Decoder).Bools)
	case KindInt32, KindEnum:
		decodeInto(d, f.Number, slot, (*Decoder).Int32s)
	case KindInt64:
		decodeInto(d, f.Number, slot, (*Decoder).Int64s)
	case KindUint32:
		decodeInto(d, f.Number, slot, (*Decoder).Uint32s)
	case KindUint64:
		decodeInto(d, f.Number, slot, (*Decoder).Uint64s)
	case KindFloat32:
		decodeInto(d, f.Number, slot, (*Decoder).Float32s)
	case KindFloat64:
		decodeInto(d, f.Number, slot, (*Decoder).Float64s)
	case KindString:
		decodeInto(d, f.Number, slot, (*Decoder).Strings)
	case KindBytes:
		decodeInto(d, f.Number, slot, (*Decoder).Blobs)
	case KindTimestamp:
		decodeInto(d, f.Number, slot, (*Decoder).Times)
	case KindDuration:
		decodeInto(d, f.Number, slot, (*Decoder).Durations)
	default:
		decodeInto(d, f.Number, slot, func(d *Decoder, _ int, list *[]*Record) bool {
			return readAll(d, list, f.Elem.decodeRecord)
		})
	}
}

// decodeInto reads more elements of the list that is in the slot, or the first ones.
func decodeInto[T any](d *Decoder, number int, slot *any, read func(*Decoder, int, *[]T) bool) {
	list, ok := (*slot).(*[]T)
	if !ok {
		list = new([]T)
		*slot = list
	}
	read(d, number, list)
}

func (t *ValueType) decodeRecord(d *Decoder) *Record {
	d.spend(t.Type.size())
	r := NewRecord(t.Type)
	d.message(r)
	return r
}

// decodeMap reads the current field and those of the same tag that follow it as entries.
func (f *Field) decodeMap(d *Decoder, slot *any) {
	if *slot == nil {
		*slot = reflect.New(f.Go).Interface()
	}
	m := reflect.ValueOf(*slot).Elem()
	if m.IsNil() {
		m.Set(reflect.MakeMap(f.Go))
	}
	size := int(f.Key.Go.Size() + f.Elem.Go.Size())
	for tag := d.tag; d.tag == tag; {
		d.spend(size)
		var key, elem any
		outer := d.begin()
		for d.Next() {
			switch d.Field() {
			case 1:
				f.entry[0].decode(d, &key)
			case 2:
				f.entry[1].decode(d, &elem)
			}
		}
		d.end(outer)
		m.SetMapIndex(f.Key.orAbsent(key), f.Elem.orAbsent(elem))
	}
}

// orAbsent returns the value of an entry's slot, or what it is where its field is not there: zero, for a time 1970.
func (t *ValueType) orAbsent(p any) reflect.Value {
	switch {
	case p != nil:
		return valueAt(p)
	case t.Kind == KindTimestamp:
		return reflect.ValueOf(time.Unix(0, 0).UTC())
	default:
		return reflect.Zero(t.Go)
	}
}

// goTypes are the types of scalars in records, which are those of generated code; only enums have none of their own.
var goTypes = [...]reflect.Type{
	KindBool:      reflect.TypeFor[bool](),
	KindInt32:     reflect.TypeFor[int32](),
	KindInt64:     reflect.TypeFor[int64](),
	KindUint32:    reflect.TypeFor[uint32](),
	KindUint64:    reflect.TypeFor[uint64](),
	KindFloat32:   reflect.TypeFor[float32](),
	KindFloat64:   reflect.TypeFor[float64](),
	KindString:    reflect.TypeFor[string](),
	KindBytes:     reflect.TypeFor[[]byte](),
	KindTimestamp: reflect.TypeFor[time.Time](),
	KindDuration:  reflect.TypeFor[time.Duration](),
	KindEnum:      reflect.TypeFor[int32](),
}
