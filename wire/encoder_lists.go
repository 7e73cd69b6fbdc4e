package wire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"reflect"
	"time"
	"unsafe"
)

// Lists of numbers are packed: one field with all elements. Lists of anything else are one field an element. An
// empty list writes nothing.

// PutBools writes a list of bool.
func (e *Encoder) PutBools(number int, list []bool) {
	if len(list) == 0 {
		return
	}
	e.tag(number, typeLen)
	e.varint(uint64(len(list)))
	e.grow(len(list))
	for _, v := range list {
		e.buf[e.n] = byte(bit(v))
		e.n++
	}
}

// PutInt32s writes a list of int32.
func (e *Encoder) PutInt32s(number int, list []int32) { putPacked(e, number, list) }

// PutInt64s writes a list of int64.
func (e *Encoder) PutInt64s(number int, list []int64) { putPacked(e, number, list) }

// PutUint32s writes a list of uint32.
func (e *Encoder) PutUint32s(number int, list []uint32) { putPacked(e, number, list) }

// PutUint64s writes a list of uint64.
func (e *Encoder) PutUint64s(number int, list []uint64) { putPacked(e, number, list) }

// PutFloat32s writes a list of float.
func (e *Encoder) PutFloat32s(number int, list []float32) {
	if len(list) == 0 {
		return
	}
	e.tag(number, typeLen)
	e.varint(uint64(4 * len(list)))
	if littleEndian {
		e.append(memory(list))
		return
	}
	for _, v := range list {
		e.append(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
}

// PutFloat64s writes a list of double.
func (e *Encoder) PutFloat64s(number int, list []float64) {
	if len(list) == 0 {
		return
	}
	e.tag(number, typeLen)
	e.varint(uint64(8 * len(list)))
	if littleEndian {
		e.append(memory(list))
		return
	}
	for _, v := range list {
		e.append(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
	}
}

// PutStrings writes a list of string.
func (e *Encoder) PutStrings(number int, list []string) {
	for _, v := range list {
		e.PutString(number, v)
	}
}

// PutBlobs writes a list of bytes.
func (e *Encoder) PutBlobs(number int, list [][]byte) {
	for _, v := range list {
		e.PutBytes(number, v)
	}
}

// PutTimes writes a list of google.protobuf.Timestamp.
func (e *Encoder) PutTimes(number int, list []time.Time) {
	for _, v := range list {
		e.PutTime(number, v)
	}
}

// PutDurations writes a list of google.protobuf.Duration.
func (e *Encoder) PutDurations(number int, list []time.Duration) {
	for _, v := range list {
		e.PutDuration(number, v)
	}
}

// PutEnum writes a field of an enum.
func PutEnum[E ~int32](e *Encoder, number int, v E) { e.PutInt32(number, int32(v)) }

// PutEnums writes a list of an enum.
func PutEnums[E ~int32](e *Encoder, number int, list []E) { putPacked(e, number, list) }

// PutMessages writes a list of messages.
func PutMessages[T any, M message[T]](e *Encoder, number int, list []T) {
	for i := range list {
		e.PutMessage(number, M(&list[i]))
	}
}

// PutUnion writes a field of a union. If u is nil, encode writes nothing, and the field is there and empty.
func PutUnion[U any](e *Encoder, number int, u U, encode func(*Encoder, U)) {
	if !e.enter(number) {
		return
	}
	start := e.begin(number)
	encode(e, u)
	e.depth--
	e.end(start)
}

// PutPointer is for what encode does not know: it writes the member that u points at, and nothing where u is nil. All
// else is an error: a nil pointer to a member, and a type of somebody else that is no member, but has one embedded.
func PutPointer[U any](e *Encoder, u U, encode func(*Encoder, U)) {
	v := reflect.ValueOf(u)
	if !v.IsValid() {
		return
	}
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		if member, ok := v.Elem().Interface().(U); ok {
			encode(e, member)
			return
		}
	}
	e.fail("%v", errNoMember(reflect.TypeFor[U](), v))
}

// PutUnions writes a list of a union.
func PutUnions[U any](e *Encoder, number int, list []U, encode func(*Encoder, U)) {
	for _, u := range list {
		PutUnion(e, number, u, encode)
	}
}

// PutMap writes a map, in no particular order: key and value write the two fields of an entry, numbered 1 and 2.
func PutMap[K comparable, V any](
	e *Encoder, number int, m map[K]V, key func(*Encoder, int, K), value func(*Encoder, int, V),
) {
	for k, v := range m {
		start := e.begin(number)
		key(e, 1, k)
		value(e, 2, v)
		e.end(start)
	}
}

// PutMessageMap is PutMap for values that are messages.
func PutMessageMap[K comparable, T any, M message[T]](e *Encoder, number int, m map[K]T, key func(*Encoder, int, K)) {
	if len(m) == 0 {
		return
	}
	value := new(T) // one for all: it escapes
	for k, v := range m {
		start := e.begin(number)
		key(e, 1, k)
		*value = v
		e.PutMessage(2, M(value))
		e.end(start)
	}
}

// PutUnionMap is PutMap for values that are unions.
func PutUnionMap[K comparable, U any](
	e *Encoder, number int, m map[K]U, key func(*Encoder, int, K), encode func(*Encoder, U),
) {
	for k, u := range m {
		start := e.begin(number)
		key(e, 1, k)
		PutUnion(e, 2, u, encode)
		e.end(start)
	}
}

func putPacked[T ~int32 | ~uint32 | ~int64 | ~uint64](e *Encoder, number int, list []T) {
	if len(list) == 0 {
		return
	}
	start := e.begin(number)
	e.grow(10 * len(list))
	b, n := e.buf, e.n
	for _, one := range list {
		v := uint64(one)
		for ; v >= 0x80; n++ {
			b[n] = byte(v) | 0x80
			v >>= 7
		}
		b[n] = byte(v)
		n++
	}
	e.n = n
	e.end(start)
}

// sizeVarint is how many bytes v takes: one for each seven bits.
func sizeVarint(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// littleEndian says that numbers lie in memory as on the wire.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// memory returns the bytes of list.
func memory[T float32 | float64](list []T) []byte {
	var v T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(list))), len(list)*int(unsafe.Sizeof(v)))
}
