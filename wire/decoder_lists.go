package wire

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"time"
	"unsafe"
)

// What reads a list adds to it the elements of the current field and of those of the same number that follow it: one
// each, or several where numbers are packed. Both forms are read.

// Bools reads into a list of bool.
func (d *Decoder) Bools(number int, list *[]bool) bool {
	return d.Field() == number && readBools(d, list)
}

// Int32s reads into a list of int32.
func (d *Decoder) Int32s(number int, list *[]int32) bool {
	return d.Field() == number && readPacked(d, list)
}

// Int64s reads into a list of int64.
func (d *Decoder) Int64s(number int, list *[]int64) bool {
	return d.Field() == number && readPacked(d, list)
}

// Uint32s reads into a list of uint32.
func (d *Decoder) Uint32s(number int, list *[]uint32) bool {
	return d.Field() == number && readPacked(d, list)
}

// Uint64s reads into a list of uint64.
func (d *Decoder) Uint64s(number int, list *[]uint64) bool {
	return d.Field() == number && readPacked(d, list)
}

// Float32s reads into a list of float.
func (d *Decoder) Float32s(number int, list *[]float32) bool {
	return d.Field() == number && readFixed(d, list, typeI32)
}

// Float64s reads into a list of double.
func (d *Decoder) Float64s(number int, list *[]float64) bool {
	return d.Field() == number && readFixed(d, list, typeI64)
}

// Strings reads into a list of string.
func (d *Decoder) Strings(number int, list *[]string) bool {
	return d.Field() == number && readAll(d, list, (*Decoder).text)
}

// Blobs reads into a list of bytes.
func (d *Decoder) Blobs(number int, list *[][]byte) bool {
	return d.Field() == number && readAll(d, list, (*Decoder).bytes)
}

// Times reads into a list of google.protobuf.Timestamp.
func (d *Decoder) Times(number int, list *[]time.Time) bool {
	return d.Field() == number && readAll(d, list, (*Decoder).time)
}

// Durations reads into a list of google.protobuf.Duration.
func (d *Decoder) Durations(number int, list *[]time.Duration) bool {
	return d.Field() == number && readAll(d, list, (*Decoder).duration)
}

// ReadEnums reads into a list of an enum.
func ReadEnums[E ~int32](d *Decoder, number int, list *[]E) bool {
	return d.Field() == number && readPacked(d, list)
}

// ReadMessages reads into a list of messages. An element starts from its defaults.
func ReadMessages[T any, M message[T]](d *Decoder, number int, list *[]T) bool {
	return d.Field() == number && readMessages[T, M](d, list)
}

// ReadUnions reads into a list of a union: see [ReadUnion].
func ReadUnions[U any](d *Decoder, number int, list *[]U, decode func(*Decoder, U) U) bool {
	return d.Field() == number && readAll(d, list, func(d *Decoder) U {
		var u U
		readUnion(d, &u, decode)
		return u
	})
}

// readAll reads the current field and those of the same tag that follow it. It reports true.
func readAll[T any](d *Decoder, list *[]T, read func(*Decoder) T) bool {
	all := *list
	for tag := d.tag; d.tag == tag; {
		all = append(grow(d, all), read(d))
	}
	*list = all
	return true
}

// readMessages is readAll for messages, which are read in their places.
func readMessages[T any, M message[T]](d *Decoder, list *[]T) bool {
	all := *list
	for tag := d.tag; d.tag == tag; {
		all = grow(d, all)
		all = all[:len(all)+1]
		m := M(&all[len(all)-1])
		m.Reset()
		d.message(m)
	}
	*list = all
	return true
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

// run counts how many fields of the type LEN in a row, from the current one on, have its tag.
func (d *Decoder) run() int {
	n := 1
	for pos := d.pos; ; n++ {
		size, next := readVarint(d.buf, pos)
		if next < 0 || size > uint64(len(d.buf)-next) {
			return n
		}
		tag, next := readVarint(d.buf, next+int(size))
		if next < 0 || tag != uint64(d.tag) {
			return n
		}
		pos = next
	}
}

// Elements of lists and maps may take 16 bytes for each byte of the payload, and 32 MiB beyond that. Empty elements
// take two bytes of the payload but may be hundreds of bytes large; this keeps a small payload from filling the
// memory.
const (
	roomPerByte = 16
	roomBeyond  = 32 << 20
)

// Allowance is how many bytes the elements of lists and maps, optional values and members of unions of a message may
// take in memory, where its payload has the given number of bytes.
func Allowance(payload int) int { return roomBeyond + roomPerByte*payload }

// spend takes n bytes from the allowance.
func (d *Decoder) spend(n int) {
	if d.room -= n; d.room < 0 {
		d.room = 0
		d.failf("field %d: the lists take more than %d MiB and %d times the message's size in memory",
			d.Field(), roomBeyond>>20, roomPerByte)
	}
}

// readBools reads one field of a list of bool. It reports true.
func readBools(d *Decoder, list *[]bool) bool {
	var numbers []uint64 // whose high bits count too
	readPacked(d, &numbers)
	all := slices.Grow(*list, len(numbers))
	for _, v := range numbers {
		all = append(all, v != 0)
	}
	*list = all
	return true
}

// readPacked reads one field of a list of numbers. It reports true.
func readPacked[T ~int32 | ~uint32 | ~int64 | ~uint64](d *Decoder, list *[]T) bool {
	if d.tag&7 != typeLen {
		*list = append(*list, T(d.varint()))
		return true
	}
	pos, end := d.content()
	b := d.buf[:end]
	all := slices.Grow(*list, countVarints(b[pos:]))
	for pos < len(b) {
		v := uint64(b[pos])
		switch {
		case v < 0x80:
			pos++
		case pos+1 < len(b) && b[pos+1] < 0x80:
			v += uint64(b[pos+1])<<7 - 0x80
			pos += 2
		default:
			if v, pos = readVarint(b, pos); pos < 0 {
				return !d.failValue(pos)
			}
		}
		all = append(all, T(v))
	}
	*list = all
	d.next(end)
	return true
}

// countVarints counts the bytes that end a number: those without the top bit.
func countVarints(b []byte) int {
	n := 0
	for ; len(b) >= 8; b = b[8:] {
		n += bits.OnesCount64(^binary.LittleEndian.Uint64(b) & notASCII)
	}
	for _, c := range b {
		n += int(^c >> 7)
	}
	return n
}

// readFixed reads one field of a list of numbers, whose wire type is single where they are not packed. It reports true.
func readFixed[T float32 | float64](d *Decoder, list *[]T, single uint32) bool {
	var zero T
	size := int(unsafe.Sizeof(zero))
	start, end := d.pos, d.pos+size
	if d.tag&7 == typeLen {
		start, end = d.content()
	} else if d.tag&7 != single || end > len(d.buf) {
		return !d.failFixed(single)
	}
	n := (end - start) / size
	if n*size != end-start {
		return !d.failf("field %d: %d bytes are no list of numbers of %d bytes each", d.Field(), end-start, size)
	}
	before := len(*list)
	all := slices.Grow(*list, n)[:before+n]
	if littleEndian {
		copy(memory(all[before:]), d.buf[start:end])
	} else {
		binary.Decode(d.buf[start:end], binary.LittleEndian, all[before:])
	}
	*list = all
	d.next(end)
	return true
}
