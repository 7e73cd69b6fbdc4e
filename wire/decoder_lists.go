package wire

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
	"unsafe"
)

// The methods and functions for lists take the list as read so far and return it with what the current field adds:
// one element, or several where numbers are packed. Both forms are read.

// Bools reads into a list of bool.
func (d *Decoder) Bools(list []bool) []bool {
	if d.tag&7 != typeLen {
		return append(list, d.Bool())
	}
	list = slices.Grow(list, countVarints(d.content()))
	for b, v := d.content(), uint64(0); len(b) > 0; list = append(list, v != 0) {
		if v, b = d.packedVarint(b); d.err != nil {
			break
		}
	}
	return list
}

// Int32s reads into a list of int32.
func (d *Decoder) Int32s(list []int32) []int32 { return readPacked(d, list) }

// Int64s reads into a list of int64.
func (d *Decoder) Int64s(list []int64) []int64 { return readPacked(d, list) }

// Uint32s reads into a list of uint32.
func (d *Decoder) Uint32s(list []uint32) []uint32 { return readPacked(d, list) }

// Uint64s reads into a list of uint64.
func (d *Decoder) Uint64s(list []uint64) []uint64 { return readPacked(d, list) }

// Float32s reads into a list of float.
func (d *Decoder) Float32s(list []float32) []float32 {
	if d.tag&7 != typeLen {
		return append(list, d.Float32())
	}
	b, n := d.fixed(4)
	list = slices.Grow(list, n)
	if littleEndian {
		added := list[len(list) : len(list)+n]
		copy(memory(added), b)
		return list[:len(list)+n]
	}
	for ; len(b) > 0; b = b[4:] {
		list = append(list, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return list
}

// Float64s reads into a list of double.
func (d *Decoder) Float64s(list []float64) []float64 {
	if d.tag&7 != typeLen {
		return append(list, d.Float64())
	}
	b, n := d.fixed(8)
	list = slices.Grow(list, n)
	if littleEndian {
		added := list[len(list) : len(list)+n]
		copy(memory(added), b)
		return list[:len(list)+n]
	}
	for ; len(b) > 0; b = b[8:] {
		list = append(list, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	}
	return list
}

// Strings reads into a list of string.
func (d *Decoder) Strings(list []string) []string {
	return append(grow(d, list), d.String())
}

// Blobs reads into a list of bytes.
func (d *Decoder) Blobs(list [][]byte) [][]byte {
	return append(grow(d, list), d.Bytes())
}

// Times reads into a list of google.protobuf.Timestamp.
func (d *Decoder) Times(list []time.Time) []time.Time {
	return append(grow(d, list), d.Time())
}

// Durations reads into a list of google.protobuf.Duration.
func (d *Decoder) Durations(list []time.Duration) []time.Duration {
	return append(grow(d, list), d.Duration())
}

// ReadEnum returns the field's value as an enum. A number without a name is kept.
func ReadEnum[E ~int32](d *Decoder) E { return E(d.Int32()) }

// ReadEnums reads into a list of an enum.
func ReadEnums[E ~int32](d *Decoder, list []E) []E { return readPacked(d, list) }

// ReadMessages reads into a list of messages. An element starts from its defaults.
func ReadMessages[T any, M message[T]](d *Decoder, list []T) []T {
	list = grow(d, list)
	list = list[:len(list)+1]
	m := M(&list[len(list)-1])
	m.Reset()
	d.Message(m)
	return list
}

// ReadPointer reads into the message that p points to, or into a new one if p is nil.
func ReadPointer[T any, M message[T]](d *Decoder, p *T) *T {
	if p == nil {
		p = new(T)
		M(p).Reset()
	}
	d.Message(M(p))
	return p
}

// ReadUnion reads a union: decode reads the fields, given the value read so far, and returns the member that came
// last.
func ReadUnion[U any](d *Decoder, u U, decode func(*Decoder, U) U) U {
	outer, ok := d.enter()
	if !ok {
		return u
	}
	u = decode(d, u)
	d.leave(outer)
	return u
}

// ReadUnions reads into a list of a union.
func ReadUnions[U any](d *Decoder, list []U, decode func(*Decoder, U) U) []U {
	var absent U
	return append(grow(d, list), ReadUnion(d, absent, decode))
}

// ReadEntry reads an entry into a map, which is made if it is nil: key and value read the two fields of it. A key or
// value that is absent is zero.
func ReadEntry[K comparable, V any](d *Decoder, m map[K]V, key func(*Decoder) K, value func(*Decoder) V) map[K]V {
	var absent V
	return readEntry(d, m, key, absent, value)
}

// ReadMessageEntry is ReadEntry for values that are messages. A value starts from its defaults.
func ReadMessageEntry[K comparable, T any, M message[T]](d *Decoder, m map[K]T, key func(*Decoder) K) map[K]T {
	v := new(T)
	M(v).Reset()
	return readEntry(d, m, key, *v, func(d *Decoder) T {
		d.Message(M(v))
		return *v
	})
}

// ReadUnionEntry is ReadEntry for values that are unions.
func ReadUnionEntry[K comparable, U any](
	d *Decoder, m map[K]U, key func(*Decoder) K, decode func(*Decoder, U) U,
) map[K]U {
	var absent U
	return readEntry(d, m, key, absent, func(d *Decoder) U { return ReadUnion(d, absent, decode) })
}

func readEntry[K comparable, V any](d *Decoder, m map[K]V, key func(*Decoder) K, v V, value func(*Decoder) V) map[K]V {
	var k K
	m = growMap(d, m)
	outer, ok := d.enter()
	if !ok {
		return m
	}
	for d.Next() {
		switch d.Field() {
		case 1:
			k = key(d)
		case 2:
			v = value(d)
		}
	}
	d.leave(outer)
	m[k] = v
	return m
}

// growMap makes m if it is nil, for as many entries as follow one another from the current field on.
func growMap[K comparable, V any](d *Decoder, m map[K]V) map[K]V {
	var (
		k K
		v V
	)
	size := int(unsafe.Sizeof(k) + unsafe.Sizeof(v))
	if m == nil {
		m = make(map[K]V, min(d.run(), d.room/size))
	}
	d.spend(size)
	return m
}

// grow returns list with room for one more element at least. It makes room for as many elements as follow one
// another from the current field on, and at least doubles it.
func grow[T any](d *Decoder, list []T) []T {
	if len(list) < cap(list) {
		return list
	}
	var element T
	size := max(1, int(unsafe.Sizeof(element)))
	n := min(max(d.run(), len(list)), 1+d.room/size)
	before := cap(list)
	list = slices.Grow(list, n)
	d.spend((cap(list) - before) * size)
	return list
}

// run counts how many fields in a row, from the current one on, have its tag.
func (d *Decoder) run() int {
	n := 1
	b := d.buf[:d.end]
	for pos := d.pos; ; n++ {
		tag, next := readVarint(b, pos)
		if next < 0 || tag != d.tag {
			return n
		}
		size, next := readVarint(b, next)
		if next < 0 || size > uint64(len(b)-next) {
			return n
		}
		pos = next + int(size)
	}
}

// Elements of lists and maps may take 16 bytes for each byte of the payload, and 32 MiB beyond that. Empty elements
// take two bytes of the payload but may be hundreds of bytes large; this keeps a small payload from filling the
// memory.
const (
	roomPerByte = 16
	roomBeyond  = 32 << 20
)

func allowance(payload int) int { return roomBeyond + roomPerByte*payload }

// spend takes n bytes from the allowance.
func (d *Decoder) spend(n int) {
	if d.room -= n; d.room < 0 {
		d.room = 0
		d.failf("field %d: the lists take more than %d MiB and %d times the message's size in memory",
			d.Field(), roomBeyond>>20, roomPerByte)
	}
}

func readPacked[T ~int32 | ~uint32 | ~int64 | ~uint64](d *Decoder, list []T) []T {
	if d.tag&7 != typeLen {
		return append(list, T(d.varint()))
	}
	b := d.content()
	list = slices.Grow(list, countVarints(b))
	for len(b) > 0 {
		if b[0] < 0x80 {
			list = append(list, T(b[0]))
			b = b[1:]
			continue
		}
		var v uint64
		if v, b = d.packedVarint(b); d.err != nil {
			break
		}
		list = append(list, T(v))
	}
	return list
}

// packedVarint returns the number that b starts with, and the rest of b.
func (d *Decoder) packedVarint(b []byte) (uint64, []byte) {
	v, next := readVarint(b, 0)
	if next < 0 {
		d.failValue(next)
		return 0, nil
	}
	return v, b[next:]
}

// countVarints counts the bytes that end a number.
func countVarints(b []byte) int {
	n := 0
	for _, c := range b {
		n += int(^c >> 7)
	}
	return n
}

// fixed returns the content of a packed field of numbers of the given size, and how many they are.
func (d *Decoder) fixed(size int) ([]byte, int) {
	b := d.content()
	if len(b)%size != 0 {
		d.failf("field %d: %d bytes are no list of numbers of %d bytes each", d.Field(), len(b), size)
		return nil, 0
	}
	return b, len(b) / size
}
