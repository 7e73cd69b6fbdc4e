package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
)

// What an answer may have at most.
const (
	maxAnswer = 4 << 20 // bytes
	maxDepth  = 100     // levels of nesting
)

// A basicReader reads values of the basic protocol and gives them as JSON. The first error stays in err, and what is
// read after it is zero.
type basicReader struct {
	r     io.Reader
	depth int
	err   error
}

// take returns the next n bytes.
func (r *basicReader) take(n uint32) []byte {
	if r.err == nil && n > maxAnswer {
		r.err = fmt.Errorf("a length of %d bytes is over the limit of %d", n, maxAnswer)
	}
	if r.err != nil {
		return make([]byte, min(n, 8))
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		r.err = fmt.Errorf("the answer ends in its midst: %w", err)
	}
	return b
}

func (r *basicReader) byte() byte     { return r.take(1)[0] }
func (r *basicReader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *basicReader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }
func (r *basicReader) sized() []byte  { return r.take(r.uint32()) }
func (r *basicReader) string() string { return string(r.sized()) }

// value reads a value of type t and returns it as JSON.
func (r *basicReader) value(t *schema.Type) []byte {
	switch t.Kind {
	case schema.List:
		return r.list(t)
	case schema.Map:
		return r.mapping(t)
	case schema.StructType:
		return r.message(t.Struct.Fields)
	case schema.UnionType:
		return r.message(t.Union.Members)
	}
	return toJSON(r.scalar(t))
}

// scalar reads a scalar and returns what package json writes as ProtoJSON does.
func (r *basicReader) scalar(t *schema.Type) any {
	switch t.Kind {
	case schema.Bool:
		return r.byte() != 0
	case schema.Int:
		return int32(r.uint32())
	case schema.Long:
		return strconv.FormatInt(int64(r.uint64()), 10)
	case schema.Uint:
		return r.uint32()
	case schema.Ulong:
		return strconv.FormatUint(r.uint64(), 10)
	case schema.Float:
		return math.Float32frombits(r.uint32())
	case schema.Double:
		return math.Float64frombits(r.uint64())
	case schema.Bytes:
		return base64.StdEncoding.EncodeToString(r.sized())
	case schema.Timestamp:
		return time.Unix(int64(r.uint64()), int64(r.uint32())).UTC().Format(time.RFC3339Nano)
	case schema.Duration:
		return seconds(time.Duration(r.uint64()))
	case schema.EnumType:
		return enumName(t.Enum, int32(r.uint32()))
	}
	return r.string()
}

// toJSON writes what scalar returns; a number that JSON lacks becomes a string: NaN, Infinity, -Infinity.
func toJSON(v any) []byte {
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false) // as other protocols answer
	if to.Encode(v) == nil {
		return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	}
	switch s := fmt.Sprint(v); s {
	case "+Inf":
		return []byte(`"Infinity"`)
	case "-Inf":
		return []byte(`"-Infinity"`)
	default:
		return []byte(strconv.Quote(s))
	}
}

// seconds is a duration as ProtoJSON has it: "1.5s".
func seconds(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign = "-"
	}
	whole, nanos := uint64(d.Abs()/time.Second), uint64(d.Abs()%time.Second)
	if nanos == 0 {
		return fmt.Sprintf("%s%ds", sign, whole)
	}
	fraction := bytes.TrimRight(fmt.Appendf(nil, "%09d", nanos), "0")
	return fmt.Sprintf("%s%d.%ss", sign, whole, fraction)
}

func enumName(e *schema.Enum, n int32) any {
	for _, v := range e.Values {
		if v.Number == n {
			return v.Name
		}
	}
	return n
}

// inner returns a reader of a part whose length comes first.
func (r *basicReader) inner() (*basicReader, *bytes.Reader) {
	if r.depth == maxDepth && r.err == nil {
		r.err = fmt.Errorf("the answer is nested more than %d deep", maxDepth)
	}
	body := bytes.NewReader(r.sized())
	return &basicReader{r: body, depth: r.depth + 1, err: r.err}, body
}

func (r *basicReader) list(t *schema.Type) []byte {
	in, body := r.inner()
	var elems []json.RawMessage
	for in.err == nil && body.Len() > 0 {
		elems = append(elems, in.value(t.Elem))
	}
	r.err = in.err
	return joinJSON('[', elems, ']')
}

func (r *basicReader) mapping(t *schema.Type) []byte {
	in, body := r.inner()
	var entries []json.RawMessage
	for in.err == nil && body.Len() > 0 {
		key := toJSON(fmt.Sprint(in.scalar(t.Key)))
		entries = append(entries, append(append(key, ':'), in.value(t.Elem)...))
	}
	r.err = in.err
	return joinJSON('{', entries, '}')
}

// message reads the fields of a struct, or the member of a union.
func (r *basicReader) message(fields []*schema.Field) []byte {
	in, body := r.inner()
	var entries []json.RawMessage
	for in.err == nil && body.Len() > 0 {
		f := fieldNumbered(fields, int(in.byte()))
		if f == nil {
			in.err = errors.New("the answer has a field that the definition lacks; is the definition older than the server?")
			break
		}
		entries = append(entries, append(append(toJSON(schema.JSONName(f.Name)), ':'), in.value(f.Type)...))
	}
	r.err = in.err
	return joinJSON('{', entries, '}')
}

func fieldNumbered(fields []*schema.Field, number int) *schema.Field {
	for _, f := range fields {
		if f.Number == number {
			return f
		}
	}
	return nil
}

func joinJSON(open byte, parts []json.RawMessage, end byte) []byte {
	b := []byte{open}
	for i, p := range parts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p...)
	}
	return append(b, end)
}
