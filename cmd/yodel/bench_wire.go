package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/wire"
)

// A wireMessage is a message in protobuf's wire format whose definition no code was generated from: a function for each
// field that writes it. The functions hold values that were read once, so that writing costs as little as it does in
// generated code. It never changes; what is read into it is checked, and dropped.
type wireMessage []func(*wire.Encoder)

// Reset does nothing.
func (m wireMessage) Reset() {}

// EncodeWire writes the fields.
func (m wireMessage) EncodeWire(e *wire.Encoder) {
	for _, put := range m {
		put(e)
	}
}

// DecodeWire goes through the fields.
func (m wireMessage) DecodeWire(d *wire.Decoder) {
	for d.Next() {
	}
}

// newWireMessage returns the message with the fields that p has. Whatever the definition does not allow, typedParams has
// refused before.
func newWireMessage(fields []*schema.Field, p params) wireMessage {
	var m wireMessage
	fields = slices.Clone(fields)
	slices.SortFunc(fields, func(a, b *schema.Field) int { return a.Number - b.Number })
	for _, f := range fields {
		raw := p[f.Name]
		if raw == nil {
			raw = p[schema.JSONName(f.Name)]
		}
		if raw != nil && string(raw) != "null" {
			m = append(m, putValue(f.Number, f.Type, raw))
		}
	}
	return m
}

// putValue returns what writes field n, of type t, with the value that stands in raw as JSON.
func putValue(n int, t *schema.Type, raw json.RawMessage) func(*wire.Encoder) {
	switch t.Kind {
	case schema.List:
		return putList(n, t.Elem, raw)
	case schema.Map:
		return putMap(n, t, raw)
	case schema.StructType:
		return putMessage(n, newWireMessage(t.Struct.Fields, object(raw)))
	case schema.UnionType:
		return putMessage(n, newWireMessage(t.Union.Members, object(raw)))
	}
	b, _ := appendScalar(nil, t, unquote(raw), raw[0] == '"')
	return putScalar(n, t, &basicReader{r: bytes.NewReader(b)})
}

func putMessage(n int, m wireMessage) func(*wire.Encoder) {
	return func(e *wire.Encoder) { e.PutMessage(n, m) }
}

func object(raw json.RawMessage) (p params) {
	_ = json.Unmarshal(raw, &p)
	return p
}

// putScalar takes the value from r, which has it in the bytes of the basic protocol.
func putScalar(n int, t *schema.Type, r *basicReader) func(*wire.Encoder) {
	switch t.Kind {
	case schema.Bool:
		v := r.byte() != 0
		return func(e *wire.Encoder) { e.PutBool(n, v) }
	case schema.Int, schema.EnumType:
		v := int32(r.uint32())
		return func(e *wire.Encoder) { e.PutInt32(n, v) }
	case schema.Long:
		v := int64(r.uint64())
		return func(e *wire.Encoder) { e.PutInt64(n, v) }
	case schema.Uint:
		v := r.uint32()
		return func(e *wire.Encoder) { e.PutUint32(n, v) }
	case schema.Ulong:
		v := r.uint64()
		return func(e *wire.Encoder) { e.PutUint64(n, v) }
	case schema.Float:
		v := math.Float32frombits(r.uint32())
		return func(e *wire.Encoder) { e.PutFloat32(n, v) }
	case schema.Double:
		v := math.Float64frombits(r.uint64())
		return func(e *wire.Encoder) { e.PutFloat64(n, v) }
	case schema.Timestamp:
		v := time.Unix(int64(r.uint64()), int64(r.uint32()))
		return func(e *wire.Encoder) { e.PutTime(n, v) }
	case schema.Duration:
		v := time.Duration(r.uint64())
		return func(e *wire.Encoder) { e.PutDuration(n, v) }
	case schema.Bytes:
		v := r.sized()
		return func(e *wire.Encoder) { e.PutBytes(n, v) }
	}
	v := r.string()
	return func(e *wire.Encoder) { e.PutString(n, v) }
}

// putList returns what writes a list: numbers one behind the other in one field, anything else in a field each.
func putList(n int, elem *schema.Type, raw json.RawMessage) func(*wire.Encoder) {
	var elems []json.RawMessage
	_ = json.Unmarshal(raw, &elems)
	if isNumber(elem) && len(elems) > 0 {
		return putPacked(n, elem, elems)
	}
	var all wireMessage
	for _, raw := range elems {
		all = append(all, putValue(n, elem, raw))
	}
	return all.EncodeWire
}

func putPacked(n int, elem *schema.Type, elems []json.RawMessage) func(*wire.Encoder) {
	var packed []byte
	for _, raw := range elems {
		b, _ := appendScalar(nil, elem, unquote(raw), raw[0] == '"')
		packed = appendPacked(packed, elem, &basicReader{r: bytes.NewReader(b)})
	}
	return func(e *wire.Encoder) { e.PutBytes(n, packed) }
}

// isNumber reports whether lists of t are packed.
func isNumber(t *schema.Type) bool { return t.Kind <= schema.Double || t.Kind == schema.EnumType }

// appendPacked appends an element of a list of numbers.
func appendPacked(b []byte, t *schema.Type, r *basicReader) []byte {
	switch t.Kind {
	case schema.Bool:
		return append(b, r.byte())
	case schema.Int, schema.EnumType:
		return binary.AppendUvarint(b, uint64(int32(r.uint32())))
	case schema.Uint:
		return binary.AppendUvarint(b, uint64(r.uint32()))
	case schema.Float:
		return binary.LittleEndian.AppendUint32(b, r.uint32())
	case schema.Double:
		return binary.LittleEndian.AppendUint64(b, r.uint64())
	}
	return binary.AppendUvarint(b, r.uint64())
}

// putMap returns what writes a map: a message for each entry, whose field 1 is the key.
func putMap(n int, t *schema.Type, raw json.RawMessage) func(*wire.Encoder) {
	var entries wireMessage
	p := object(raw)
	for _, name := range p.sortedNames() {
		key, _ := appendScalar(nil, t.Key, name, true)
		entries = append(entries, putMessage(n, wireMessage{
			putScalar(1, t.Key, &basicReader{r: bytes.NewReader(key)}),
			putValue(2, t.Elem, p[name]),
		}))
	}
	return entries.EncodeWire
}
