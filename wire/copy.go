package wire

import (
	"reflect"
	"sync"
	"time"
)

// New returns a message of m's type, with its defaults. That of a [RecordHolder] is a [Record].
func New(m Message) Message {
	if r, ok := m.(RecordHolder); ok {
		return NewRecord(r.Record().typ)
	}
	n := reflect.New(reflect.TypeOf(m).Elem()).Interface().(Message)
	n.Reset()
	return n
}

// Move gives to the fields of from, a message of the same type that is not used after that: nothing is copied. It
// panics where the types differ.
func Move(to, from Message) {
	if r, ok := to.(RecordHolder); ok {
		source := from.(RecordHolder).Record()
		if r.Record().typ != source.typ {
			panic("wire: a " + source.typ.Name + " is no " + r.Record().typ.Name)
		}
		*r.Record() = *source
		return
	}
	reflect.ValueOf(to).Elem().Set(reflect.ValueOf(from).Elem())
}

// Copy gives to what from holds, and keeps nothing that the two share: whoever has one may change it. Where both are of
// one generated type that is done without encoding, and so what no encoder takes, such as a string that is not UTF-8,
// is copied, too. Otherwise, as for a [Record], from is written and read back, by the rules of the wire format. The
// error says why it cannot be. from is only read; to is not to be used after an error.
func Copy(to, from Message) error {
	t := reflect.TypeOf(to)
	_, isRecord := to.(RecordHolder)
	if !isRecord && t == reflect.TypeOf(from) && t.Kind() == reflect.Pointer &&
		copyValue(reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem(), 0) {
		return nil
	}
	b, err := Marshal(from)
	if err != nil {
		return err
	}
	return Unmarshal(b, to)
}

// maxCopyDepth is how many values copyValue follows that stand inside one another: at least three, such as a list, its
// element and the pointer in it, for each message that an encoder follows. What is deeper contains itself, and an
// encoder says so.
const maxCopyDepth = 4 * MaxDepth

// copyValue sets to, of from's type, to a deep copy. It reports whether that can be: not where a type hides something
// that is shared from this package, as only types that were not generated do, nor beyond maxCopyDepth.
func copyValue(to, from reflect.Value, depth int) bool {
	t := from.Type()
	if isPlain(t) {
		to.Set(from)
		return true
	}
	if depth++; depth > maxCopyDepth {
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		return copyStruct(to, from, depth)
	case reflect.Slice:
		return copySlice(to, from, depth)
	case reflect.Map:
		return copyMap(to, from, depth)
	case reflect.Pointer, reflect.Interface:
		if from.IsNil() {
			to.SetZero()
			return true
		}
		n := reflect.New(from.Elem().Type())
		if !copyValue(n.Elem(), from.Elem(), depth) {
			return false
		}
		if t.Kind() == reflect.Interface {
			n = n.Elem()
		}
		to.Set(n)
		return true
	}
	return false
}

func copyStruct(to, from reflect.Value, depth int) bool {
	to.Set(from)
	for i := range from.NumField() {
		f := from.Type().Field(i)
		if isPlain(f.Type) {
			continue
		}
		if !f.IsExported() || !copyValue(to.Field(i), from.Field(i), depth) {
			return false
		}
	}
	return true
}

func copySlice(to, from reflect.Value, depth int) bool {
	if from.IsNil() {
		to.SetZero()
		return true
	}
	n := from.Len()
	s := reflect.MakeSlice(from.Type(), n, n)
	to.Set(s)
	if isPlain(from.Type().Elem()) {
		reflect.Copy(s, from)
		return true
	}
	for i := range n {
		if !copyValue(s.Index(i), from.Index(i), depth) {
			return false
		}
	}
	return true
}

func copyMap(to, from reflect.Value, depth int) bool {
	if from.IsNil() {
		to.SetZero()
		return true
	}
	m := reflect.MakeMapWithSize(from.Type(), from.Len())
	to.Set(m)
	for entries := from.MapRange(); entries.Next(); {
		v := reflect.New(from.Type().Elem()).Elem()
		if !copyValue(v, entries.Value(), depth) {
			return false
		}
		m.SetMapIndex(entries.Key(), v)
	}
	return true
}

// plainTypes says of types that were asked for whether they are plain.
var plainTypes sync.Map

// isPlain reports whether an assignment copies all of a t: it holds nothing that could be changed in one place and seen
// in another.
func isPlain(t reflect.Type) bool {
	switch kind := t.Kind(); {
	case kind <= reflect.Complex128, kind == reflect.String: // the first ones are the numbers
		return kind != reflect.Invalid
	case t == reflect.TypeFor[time.Time](): // whose location nobody can change
		return true
	case kind != reflect.Struct && kind != reflect.Array:
		return false
	}
	if plain, ok := plainTypes.Load(t); ok {
		return plain.(bool)
	}
	plain := true
	if t.Kind() == reflect.Array {
		plain = isPlain(t.Elem())
	} else {
		for i := range t.NumField() {
			plain = plain && isPlain(t.Field(i).Type)
		}
	}
	plainTypes.Store(t, plain)
	return plain
}
