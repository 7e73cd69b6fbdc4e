package wire

import "reflect"

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
