package wire

import (
	"time"
	"unsafe"
)

// ReadEnum reads a field of an enum. A number without a name is kept.
func ReadEnum[E ~int32](d *Decoder, number int, p *E) bool {
	if d.Field() != number {
		return false
	}
	*p = E(d.varint())
	return true
}

// ReadOptional reads an optional field with read, which is the method for its type.
func ReadOptional[T any](d *Decoder, number int, p **T, read func(*Decoder, int, *T) bool) bool {
	if d.Field() != number {
		return false
	}
	*p = new(T)
	return read(d, number, *p)
}

// ReadPointer reads an optional field of a message. What p points to, or a new one with its defaults, gets the fields
// that are there.
func ReadPointer[T any, M message[T]](d *Decoder, number int, p **T) bool {
	if d.Field() != number {
		return false
	}
	if *p == nil {
		*p = new(T)
		M(*p).Reset()
	}
	d.message(M(*p))
	return true
}

// ReadUnion reads a field of a union: decode reads the fields, given the value read so far, and returns the member that
// came last.
func ReadUnion[U any](d *Decoder, number int, p *U, decode func(*Decoder, U) U) bool {
	return d.Field() == number && readUnion(d, p, decode)
}

// readUnion reads the current field. It reports true.
func readUnion[U any](d *Decoder, p *U, decode func(*Decoder, U) U) bool {
	if d.depth >= MaxDepth {
		return !d.failDepth()
	}
	d.depth++
	outer := d.begin()
	*p = decode(d, *p)
	d.end(outer)
	d.depth--
	return true
}

// ReadMap reads the current field and those of the same number that follow it as entries of a map, which is made if it
// is nil: key and value read the two fields of an entry. A key or value that is absent is zero; a time is 1970.
func ReadMap[K comparable, V any](
	d *Decoder, number int, m *map[K]V, key func(*Decoder, int, *K) bool, value func(*Decoder, int, *V) bool,
) bool {
	return d.Field() == number && readEntries(d, m, key, absent[V], value)
}

// absent sets a map's value, which is zero, to what it is where its field is not there.
func absent[V any](v *V) {
	if t, ok := any(v).(*time.Time); ok {
		*t = time.Unix(0, 0).UTC()
	}
}

// ReadMessageMap is ReadMap for values that are messages. A value starts from its defaults.
func ReadMessageMap[K comparable, T any, M message[T]](
	d *Decoder, number int, m *map[K]T, key func(*Decoder, int, *K) bool,
) bool {
	value := func(d *Decoder, number int, v *T) bool { return d.Message(number, M(v)) }
	return d.Field() == number && readEntries(d, m, key, func(v *T) { M(v).Reset() }, value)
}

// ReadUnionMap is ReadMap for values that are unions: see [ReadUnion].
func ReadUnionMap[K comparable, U any](
	d *Decoder, number int, m *map[K]U, key func(*Decoder, int, *K) bool, decode func(*Decoder, U) U,
) bool {
	value := func(d *Decoder, number int, u *U) bool { return ReadUnion(d, number, u, decode) }
	return d.Field() == number && readEntries(d, m, key, absent[U], value)
}

// readEntries reads the current field and those of the same tag that follow it. It reports true.
func readEntries[K comparable, V any](
	d *Decoder, m *map[K]V, key func(*Decoder, int, *K) bool, reset func(*V), value func(*Decoder, int, *V) bool,
) bool {
	type entry struct {
		key   K
		value V
	}
	e := new(entry) // one for all: it escapes
	size := int(unsafe.Sizeof(*e))
	if *m == nil {
		*m = make(map[K]V, min(d.run(), d.room/size))
	}
	for tag := d.tag; d.tag == tag; {
		d.spend(size)
		*e = entry{}
		reset(&e.value)
		outer := d.begin()
		for d.Next() {
			key(d, 1, &e.key)
			value(d, 2, &e.value)
		}
		d.end(outer)
		(*m)[e.key] = e.value
	}
	return true
}
