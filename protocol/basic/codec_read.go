package basic

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"

	"github.com/yodelrpc/yodel/wire"
)

// A reader reads values from buf, of which it keeps nothing.
type reader struct {
	buf       []byte
	depth     int
	sensitive bool // the value being read is not for errors
	room      int  // bytes that values of no fixed number may still take in memory: see spend
}

func newReader(message []byte) reader {
	return reader{buf: message, room: wire.Allowance(len(message))}
}

// shown returns what a peer sent, for an error.
func (r *reader) shown(v any) any {
	if r.sensitive {
		return "***"
	}
	return v
}

var errShort = errors.New("the bytes end in the middle of a value")

// take returns the next n bytes.
func (r *reader) take(n int) ([]byte, error) {
	if n > len(r.buf) {
		return nil, errShort
	}
	b := r.buf[:n:n]
	r.buf = r.buf[n:]
	return b, nil
}

func (r *reader) uint32() (uint32, error) {
	b, err := r.take(4)
	if err != nil {
		return 0, err
	}
	return order.Uint32(b), nil
}

func (r *reader) uint64() (uint64, error) {
	b, err := r.take(8)
	if err != nil {
		return 0, err
	}
	return order.Uint64(b), nil
}

// sized returns the bytes of a value that begins with its length.
func (r *reader) sized() ([]byte, error) {
	n, err := r.uint32()
	if err != nil {
		return nil, err
	}
	if uint64(n) > uint64(len(r.buf)) {
		return nil, fmt.Errorf("a value declares %d bytes, and %d are left", n, len(r.buf))
	}
	return r.take(int(n))
}

// fields reads all that is left as numbers and values of the fields of m, and adds those that are there to set. Fields
// in without are unknown.
func (r *reader) fields(t *wire.Type, m reflect.Value, set *wire.FieldSet, without *wire.Field) error {
	for len(r.buf) > 0 {
		f := t.ByNumber(int(r.buf[0]))
		if f == nil || f == without {
			return r.unknown(t, r.buf[0])
		}
		r.buf = r.buf[1:]
		if t.Union && t.HasMember(m) {
			return fmt.Errorf("%s holds %s and a second member", t.Name, f.Name)
		}
		if !set.Add(f) {
			return fmt.Errorf("number %d (%s) is there twice", f.Number, f.Name)
		}
		outer := r.sensitive
		r.sensitive = outer || f.Sensitive
		var err error
		if f.Apart() {
			err = r.spend(&f.ValueType)
		}
		if err == nil {
			err = f.Fill(m, func(place reflect.Value) error { return r.value(&f.ValueType, place) })
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		r.sensitive = outer
	}
	return nil
}

// spend takes values of the given types from the allowance, as it is done for the wire format, for the same reason: an
// empty element takes four bytes here and may be hundreds of bytes large.
func (r *reader) spend(types ...*wire.ValueType) error {
	for _, t := range types {
		r.room -= t.Size()
	}
	if r.room < 0 {
		return errors.New("the lists take more than 32 MiB and 16 times the message's size in memory")
	}
	return nil
}

// unknown returns the error that t has no field of the given number. The outermost t is the arguments of a call, or an
// exception, and whoever reads those says so.
func (r *reader) unknown(t *wire.Type, number byte) error {
	if r.depth == 0 {
		return fmt.Errorf("there is no number %d", number)
	}
	return fmt.Errorf("there is no number %d in %s", number, t.Name)
}

// value reads a value to v.
func (r *reader) value(t *wire.ValueType, v reflect.Value) error {
	switch t.Kind {
	case wire.KindBool:
		return r.bool(v)
	case wire.KindInt32, wire.KindEnum:
		x, err := r.uint32()
		v.SetInt(int64(int32(x)))
		return err
	case wire.KindInt64, wire.KindDuration:
		x, err := r.uint64()
		v.SetInt(int64(x))
		return err
	case wire.KindUint32:
		x, err := r.uint32()
		v.SetUint(uint64(x))
		return err
	case wire.KindUint64:
		x, err := r.uint64()
		v.SetUint(x)
		return err
	case wire.KindFloat32:
		x, err := r.uint32()
		v.SetFloat(float64(math.Float32frombits(x)))
		return err
	case wire.KindFloat64:
		x, err := r.uint64()
		v.SetFloat(math.Float64frombits(x))
		return err
	case wire.KindTimestamp:
		return r.time(v)
	}
	b, err := r.sized()
	if err != nil {
		return err
	}
	return r.content(t, v, b)
}

func (r *reader) bool(v reflect.Value) error {
	b, err := r.take(1)
	if err != nil {
		return err
	}
	if b[0] > 1 {
		return fmt.Errorf("a bool is 0 or 1, not %v", r.shown(b[0]))
	}
	v.SetBool(b[0] == 1)
	return nil
}

func (r *reader) time(v reflect.Value) error {
	seconds, err := r.uint64()
	if err != nil {
		return err
	}
	nanoseconds, err := r.uint32()
	if err != nil {
		return err
	}
	if nanoseconds > 999_999_999 {
		return fmt.Errorf("a timestamp has %v nanoseconds; the most is 999999999", r.shown(nanoseconds))
	}
	t := time.Unix(int64(seconds), int64(nanoseconds)).UTC()
	if !wire.IsTimestamp(t) {
		return fmt.Errorf("a timestamp %v s from 1970 is outside the years 1 to 9999", r.shown(int64(seconds)))
	}
	wire.SetTime(v, t)
	return nil
}

// content reads b, the value without its length, to v.
func (r *reader) content(t *wire.ValueType, v reflect.Value, b []byte) error {
	switch t.Kind {
	case wire.KindString:
		if !utf8.Valid(b) {
			return errors.New("a string is not valid UTF-8")
		}
		v.SetString(string(b))
		return nil
	case wire.KindBytes:
		v.SetBytes(append([]byte{}, b...))
		return nil
	}
	inner := reader{buf: b, depth: r.depth, sensitive: r.sensitive, room: r.room}
	defer func() { r.room = inner.room }()
	switch t.Kind {
	case wire.KindList:
		return inner.list(t, v)
	case wire.KindMap:
		return inner.entries(t, v)
	default:
		return inner.nested(t.Type, v)
	}
}

func (r *reader) list(t *wire.ValueType, v reflect.Value) error {
	for len(r.buf) > 0 {
		if err := r.spend(t.Elem); err != nil {
			return err
		}
		err := t.Append(v, func(place reflect.Value) error { return r.value(t.Elem, place) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) entries(t *wire.ValueType, v reflect.Value) error {
	for len(r.buf) > 0 {
		if err := r.spend(t.Key, t.Elem); err != nil {
			return err
		}
		key, elem := t.NewEntry()
		if err := r.value(t.Key, key); err != nil {
			return err
		}
		if err := r.value(t.Elem, elem); err != nil {
			return err
		}
		if !t.Put(v, key, elem) {
			return fmt.Errorf("the map has the key %v twice", r.shown(key))
		}
	}
	return nil
}

func (r *reader) nested(t *wire.Type, v reflect.Value) error {
	if r.depth++; r.depth > wire.MaxDepth {
		return fmt.Errorf("nested deeper than %d", wire.MaxDepth)
	}
	var set wire.FieldSet
	return r.fields(t, v, &set, nil)
}
