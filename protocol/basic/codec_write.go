package basic

import (
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/yodelrpc/yodel/wire"
)

// A writer appends values. The first error sticks.
type writer struct {
	buf   []byte
	depth int
	err   error
}

func (w *writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// fields appends the number and the value of each field of the message or union m that has to be there.
func (w *writer) fields(t *wire.Type, m reflect.Value) {
	if err := t.Stray(m); err != nil {
		w.fail("%w", err)
		return
	}
	for i := range t.Fields {
		w.field(&t.Fields[i], m)
	}
}

func (w *writer) field(f *wire.Field, m reflect.Value) {
	v, write := f.Get(m)
	if !write || w.err != nil {
		return
	}
	w.buf = append(w.buf, byte(f.Number))
	w.value(&f.ValueType, v)
	if w.err != nil {
		w.err = fmt.Errorf("%s: %w", f.Name, w.err)
	}
}

func (w *writer) value(t *wire.ValueType, v reflect.Value) {
	switch t.Kind {
	case wire.KindBool:
		w.bool(v.Bool())
	case wire.KindInt32, wire.KindEnum:
		w.buf = order.AppendUint32(w.buf, uint32(v.Int()))
	case wire.KindInt64, wire.KindDuration:
		w.buf = order.AppendUint64(w.buf, uint64(v.Int()))
	case wire.KindUint32:
		w.buf = order.AppendUint32(w.buf, uint32(v.Uint()))
	case wire.KindUint64:
		w.buf = order.AppendUint64(w.buf, v.Uint())
	case wire.KindFloat32:
		w.float32(v.Float())
	case wire.KindFloat64:
		w.float64(v.Float())
	case wire.KindTimestamp:
		w.time(wire.TimeOf(v))
	default:
		w.sized(t, v)
	}
}

func (w *writer) bool(v bool) {
	if v {
		w.buf = append(w.buf, 1)
	} else {
		w.buf = append(w.buf, 0)
	}
}

// float32 and float64 write every NaN as the same bytes.
func (w *writer) float32(v float64) {
	bits := math.Float32bits(float32(v))
	if v != v {
		bits = 0x7fc00000
	}
	w.buf = order.AppendUint32(w.buf, bits)
}

func (w *writer) float64(v float64) {
	bits := math.Float64bits(v)
	if v != v {
		bits = 0x7ff8 << 48
	}
	w.buf = order.AppendUint64(w.buf, bits)
}

func (w *writer) time(t time.Time) {
	if !wire.IsTimestamp(t) {
		w.fail("the time is outside the years 1 to 9999")
		return
	}
	w.buf = order.AppendUint64(w.buf, uint64(t.Unix()))
	w.buf = order.AppendUint32(w.buf, uint32(t.Nanosecond()))
}

// sized appends a value that begins with its length.
func (w *writer) sized(t *wire.ValueType, v reflect.Value) {
	at := len(w.buf)
	w.buf = append(w.buf, 0, 0, 0, 0)
	switch t.Kind {
	case wire.KindString:
		w.string(v.String())
	case wire.KindBytes:
		w.buf = append(w.buf, v.Bytes()...)
	case wire.KindList:
		w.list(t, v)
	case wire.KindMap:
		w.entries(t, v)
	default:
		w.nested(t.Type, v)
	}
	w.setLength(at)
}

// setLength writes the number of bytes that follow the length at the given place.
func (w *writer) setLength(at int) {
	n := len(w.buf) - at - 4
	if uint64(n) > math.MaxUint32 {
		w.fail("%d bytes do not fit into a length of 32 bits", n)
		return
	}
	order.PutUint32(w.buf[at:], uint32(n))
}

func (w *writer) string(s string) {
	if !utf8.ValidString(s) {
		w.fail("a string is not valid UTF-8; use bytes for what is not text")
		return
	}
	w.buf = append(w.buf, s...)
}

// text appends a string with its length.
func (w *writer) text(s string) {
	at := len(w.buf)
	w.buf = append(w.buf, 0, 0, 0, 0)
	w.string(s)
	w.setLength(at)
}

func (w *writer) list(t *wire.ValueType, v reflect.Value) {
	for i := 0; i < v.Len() && w.err == nil; i++ {
		w.value(t.Elem, v.Index(i))
	}
}

func (w *writer) entries(t *wire.ValueType, v reflect.Value) {
	for _, key := range wire.SortedKeys(v) {
		w.value(t.Key, key)
		w.value(t.Elem, v.MapIndex(key))
	}
}

func (w *writer) nested(t *wire.Type, v reflect.Value) {
	if w.depth == wire.MaxDepth {
		w.fail("nested deeper than %d", wire.MaxDepth)
		return
	}
	w.depth++
	w.fields(t, v)
	w.depth--
}
