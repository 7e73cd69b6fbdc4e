package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
)

// Encoding a value in the basic protocol is also how it is checked: what the definition does not allow has no encoding.

// appendFields appends those of the fields that p has, in ascending order of their numbers.
func appendFields(b []byte, fields []*schema.Field, p params) ([]byte, error) {
	for _, name := range p.sortedNames() {
		if fieldNamed(fields, name) == nil {
			return nil, fmt.Errorf("there is no %q; there is %s", name, nearest(name, fieldNames(fields)))
		}
	}
	fields = slices.Clone(fields)
	slices.SortFunc(fields, func(a, c *schema.Field) int { return a.Number - c.Number })
	for _, f := range fields {
		raw, ok := p[f.Name]
		if !ok {
			raw = p[schema.JSONName(f.Name)]
		}
		if raw == nil || string(raw) == "null" {
			continue
		}
		if f.Number > schema.MaxBasicNumber {
			return nil, fmt.Errorf("%s has number %d; the basic protocol carries numbers up to %d: use line or http",
				f.Name, f.Number, schema.MaxBasicNumber)
		}
		var err error
		if b, err = appendValue(append(b, byte(f.Number)), f.Type, raw); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return b, nil
}

func fieldNames(fields []*schema.Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// appendValue appends a value of type t that stands in raw as JSON.
func appendValue(b []byte, t *schema.Type, raw json.RawMessage) ([]byte, error) {
	switch t.Kind {
	case schema.List:
		return appendList(b, t, raw)
	case schema.Map:
		return appendMap(b, t, raw)
	case schema.StructType:
		return appendMessage(b, t, t.Struct.Fields, raw)
	case schema.UnionType:
		return appendMessage(b, t, t.Union.Members, raw)
	}
	b, ok := appendScalar(b, t, unquote(raw), raw[0] == '"')
	if !ok {
		return nil, wrongValue(t, raw)
	}
	return b, nil
}

// appendScalar appends a scalar. Its text is without the quotes that it may have had.
func appendScalar(b []byte, t *schema.Type, text string, quoted bool) (_ []byte, ok bool) {
	switch t.Kind {
	case schema.Bool:
		b = append(b, byte(max(0, len("false")-len(text))))
		return b, text == "true" || text == "false"
	case schema.Int:
		n, err := strconv.ParseInt(whole(text), 10, 32)
		return binary.BigEndian.AppendUint32(b, uint32(n)), err == nil
	case schema.Long:
		n, err := strconv.ParseInt(whole(text), 10, 64)
		return binary.BigEndian.AppendUint64(b, uint64(n)), err == nil
	case schema.Uint:
		n, err := strconv.ParseUint(whole(text), 10, 32)
		return binary.BigEndian.AppendUint32(b, uint32(n)), err == nil
	case schema.Ulong:
		n, err := strconv.ParseUint(whole(text), 10, 64)
		return binary.BigEndian.AppendUint64(b, n), err == nil
	case schema.Float:
		f, ok := parseFloat(text, 32)
		return binary.BigEndian.AppendUint32(b, math.Float32bits(float32(f))), ok
	case schema.Double:
		f, ok := parseFloat(text, 64)
		return binary.BigEndian.AppendUint64(b, math.Float64bits(f)), ok
	case schema.EnumType:
		n, ok := enumNumber(t.Enum, text, quoted)
		return binary.BigEndian.AppendUint32(b, uint32(n)), ok
	}
	if !quoted {
		return nil, false
	}
	return appendText(b, t.Kind, text)
}

// appendText appends what is a string in JSON.
func appendText(b []byte, kind schema.Kind, text string) (_ []byte, ok bool) {
	switch kind {
	case schema.String:
		return appendSized(b, []byte(text)), true
	case schema.Bytes:
		data, err := base64.RawStdEncoding.DecodeString(base64Letters.Replace(strings.TrimRight(text, "=")))
		return appendSized(b, data), err == nil
	case schema.Timestamp:
		t, err := time.Parse(time.RFC3339Nano, text)
		b = binary.BigEndian.AppendUint64(b, uint64(t.Unix()))
		return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond())), err == nil
	case schema.Duration:
		d, err := time.ParseDuration(text)
		return binary.BigEndian.AppendUint64(b, uint64(d)), err == nil && strings.Trim(text, "-.0123456789") == "s"
	}
	return nil, false
}

// base64Letters turns the letters of base64 for URLs into the usual ones; ProtoJSON reads both, padded or not.
var base64Letters = strings.NewReplacer("-", "+", "_", "/")

// whole returns a number that ProtoJSON takes for a whole one, such as 1e2 or 3.0, without exponent and point.
func whole(text string) string {
	x, err := strconv.ParseFloat(text, 64)
	if !strings.ContainsAny(text, ".eE") || err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return text
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// parseFloat takes numbers of JSON and the three names that ProtoJSON has beside them.
func parseFloat(text string, bits int) (_ float64, ok bool) {
	if !json.Valid([]byte(text)) && text != "NaN" && text != "Infinity" && text != "-Infinity" {
		return 0, false
	}
	x, err := strconv.ParseFloat(text, bits)
	return x, err == nil
}

// enumNumber takes a name, or a number without quotes.
func enumNumber(e *schema.Enum, text string, quoted bool) (int32, bool) {
	for _, v := range e.Values {
		if v.Name == text {
			return v.Number, true
		}
	}
	n, err := strconv.ParseInt(text, 10, 32)
	return int32(n), err == nil && !quoted
}

func appendList(b []byte, t *schema.Type, raw json.RawMessage) ([]byte, error) {
	var elems []json.RawMessage
	if json.Unmarshal(raw, &elems) != nil {
		return nil, wrongValue(t, raw)
	}
	var body []byte
	for i, e := range elems {
		var err error
		if body, err = appendValue(body, t.Elem, e); err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return appendSized(b, body), nil
}

func appendMap(b []byte, t *schema.Type, raw json.RawMessage) ([]byte, error) {
	var entries params
	if json.Unmarshal(raw, &entries) != nil {
		return nil, wrongValue(t, raw)
	}
	var body []byte
	for _, key := range entries.sortedNames() {
		var ok bool
		if body, ok = appendScalar(body, t.Key, key, true); !ok {
			return nil, wrongValue(t.Key, json.RawMessage(key))
		}
		var err error
		if body, err = appendValue(body, t.Elem, entries[key]); err != nil {
			return nil, fmt.Errorf("[%s]: %w", key, err)
		}
	}
	return appendSized(b, body), nil
}

// appendMessage appends a struct, or a union, whose members are its fields.
func appendMessage(b []byte, t *schema.Type, fields []*schema.Field, raw json.RawMessage) ([]byte, error) {
	var p params
	if json.Unmarshal(raw, &p) != nil || t.Kind == schema.UnionType && len(p) > 1 {
		return nil, wrongValue(t, raw)
	}
	body, err := appendFields(nil, fields, p)
	if err != nil {
		return nil, err
	}
	return appendSized(b, body), nil
}

func appendSized(b, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body))), body...)
}

// unquote returns the text of a JSON string, and anything else as it stands.
func unquote(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}
