package protobufdiff_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/wire"
)

// A random makes messages and bytes from a seed.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 0))} }

// message fills about half of the fields of m.
func (r random) message(m wire.Message) { r.fields(wire.TypeOf(m), wire.ValueOf(m), 4) }

// fields fills fields of the message or union v; depth is how many levels may lie below it.
func (r random) fields(t *wire.Type, v reflect.Value, depth int) {
	if t.Union {
		r.field(&t.Fields[r.IntN(len(t.Fields))], v, depth)
		return
	}
	for i := range t.Fields {
		if r.IntN(2) == 0 {
			r.field(&t.Fields[i], v, depth)
		}
	}
}

func (r random) field(f *wire.Field, v reflect.Value, depth int) {
	_ = f.Fill(v, func(place reflect.Value) error {
		r.value(&f.ValueType, place, depth)
		return nil
	})
}

func (r random) value(t *wire.ValueType, v reflect.Value, depth int) {
	switch t.Kind {
	case wire.KindStruct, wire.KindUnion:
		if depth > 0 {
			r.fields(t.Type, v, depth-1)
		}
	case wire.KindList:
		for range r.IntN(4) {
			_ = t.Append(v, func(place reflect.Value) error {
				r.value(t.Elem, place, depth-1)
				return nil
			})
		}
	case wire.KindMap:
		for range r.IntN(4) {
			key, elem := t.NewEntry()
			r.value(t.Key, key, 0)
			r.value(t.Elem, elem, depth-1)
			t.Put(v, key, elem)
		}
	default:
		r.scalar(t.Kind, v)
	}
}

func (r random) scalar(k wire.Kind, v reflect.Value) {
	switch k {
	case wire.KindBool:
		v.SetBool(r.IntN(2) == 0)
	case wire.KindInt32, wire.KindInt64, wire.KindDuration:
		v.SetInt(r.integer() >> (64 - v.Type().Bits()))
	case wire.KindEnum:
		v.SetInt(int64(r.IntN(6) - 2))
	case wire.KindUint32, wire.KindUint64:
		v.SetUint(uint64(r.integer()) >> (64 - v.Type().Bits()))
	case wire.KindFloat32:
		v.SetFloat(float64(math.Float32frombits(uint32(r.float() >> 32))))
	case wire.KindFloat64:
		v.SetFloat(math.Float64frombits(r.float()))
	case wire.KindString:
		v.SetString(r.text())
	case wire.KindBytes:
		v.SetBytes([]byte(r.text() + "\xff"[:r.IntN(2)]))
	case wire.KindTimestamp:
		wire.SetTime(v, r.time())
	}
}

// integer returns small, large and extreme numbers.
func (r random) integer() int64 {
	switch r.IntN(4) {
	case 0:
		return []int64{0, 1, -1, math.MinInt64, math.MaxInt64}[r.IntN(5)]
	case 1:
		return int64(r.Uint64())
	default:
		return int64(r.Uint64()) >> r.IntN(64)
	}
}

// float returns the bits of special and of ordinary numbers.
func (r random) float() uint64 {
	special := []float64{
		0, math.Copysign(0, -1), 1, -0.5, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, 1e21, 1e-7,
	}
	if i := r.IntN(2 * len(special)); i < len(special) {
		return math.Float64bits(special[i])
	}
	return r.Uint64()
}

func (r random) text() string {
	pieces := []string{
		"", "a", "\"\\/", "\n\t\r\b\f\x00\x1f\x7f", "<&>", "é", "\u2028\ufffd", "😀", "0", "long text ",
	}
	s := ""
	for range r.IntN(4) {
		s += pieces[r.IntN(len(pieces))]
	}
	return s
}

// time returns a time in the years 1 to 9999.
func (r random) time() time.Time {
	const first, last = -62135596800, 253402300799
	seconds := []int64{0, -1, first, last, first + r.Int64N(last-first)}[r.IntN(5)]
	return time.Unix(seconds, []int64{0, 1, 1e3, 999e6, r.Int64N(1e9)}[r.IntN(5)]).UTC()
}

// mutate changes a few bytes of data.
func (r random) mutate(data []byte) []byte {
	out := append([]byte(nil), data...)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(out) + 1)
		switch r.IntN(5) {
		case 0:
			out = out[:at]
		case 1:
			out = append(out[:at:at], out[min(len(out), at+1+r.IntN(4)):]...)
		case 2:
			out = append(out[:at:at], append([]byte{byte(r.Uint32())}, out[at:]...)...)
		case 3:
			from := r.IntN(at + 1)
			out = append(out[:at:at], append(append([]byte(nil), out[from:at]...), out[at:]...)...)
		case 4:
			if at < len(out) {
				out[at] ^= 1 << r.IntN(8)
			}
		}
	}
	return out
}

// mutateText changes a few tokens or bytes of a JSON text.
func (r random) mutateText(text []byte) []byte {
	tokens := strings.Fields("null true 0 -0 1e2 1.50e1 1e-1 1e400 0e99999999999 9223372036854775808 4294967296 " +
		`"NaN" "1" "1_" "" "-Infinity" [] {} [null] {"":1} "DOWN" "UP" "2026-01-31T12:00:00.5+01:00" "1.5s" "+.s" ` +
		`"_-8=" "\ud83d" "\u00e9" 18446744073709551615 "true" , : } ]`)
	if r.IntN(3) == 0 || len(text) == 0 {
		return r.mutate(text)
	}
	at := r.IntN(len(text))
	for at < len(text) && text[at] != ':' && text[at] != '[' && text[at] != ',' {
		at++
	}
	at = min(at+1, len(text))
	end := at
	for end < len(text) && text[end] != ',' && text[end] != '}' && text[end] != ']' {
		end++
	}
	return fmt.Appendf(nil, "%s%s%s", text[:at], tokens[r.IntN(len(tokens))], text[end:])
}
