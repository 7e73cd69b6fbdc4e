package golang

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
)

// A scalar is how Go and package wire call a type that is neither a list, a map, nor declared.
type scalar struct {
	goType string
	put    string // method of wire.Encoder
	get    string // method of wire.Decoder
	list   string // what the methods for lists are called, behind Put
}

var scalars = map[schema.Kind]scalar{
	schema.Bool:      {"bool", "PutBool", "Bool", "Bools"},
	schema.Int:       {"int32", "PutInt32", "Int32", "Int32s"},
	schema.Long:      {"int64", "PutInt64", "Int64", "Int64s"},
	schema.Uint:      {"uint32", "PutUint32", "Uint32", "Uint32s"},
	schema.Ulong:     {"uint64", "PutUint64", "Uint64", "Uint64s"},
	schema.Float:     {"float32", "PutFloat32", "Float32", "Float32s"},
	schema.Double:    {"float64", "PutFloat64", "Float64", "Float64s"},
	schema.String:    {"string", "PutString", "String", "Strings"},
	schema.Bytes:     {"[]byte", "PutBytes", "Bytes", "Blobs"},
	schema.Timestamp: {"time.Time", "PutTime", "Time", "Times"},
	schema.Duration:  {"time.Duration", "PutDuration", "Duration", "Durations"},
}

// goType returns the Go type of t.
func (g *generator) goType(t *schema.Type) string {
	if t.Optional && t.Kind != schema.UnionType {
		required := *t
		required.Optional = false
		return "*" + g.goType(&required)
	}
	switch t.Kind {
	case schema.List:
		return "[]" + g.goType(t.Elem)
	case schema.Map:
		return "map[" + g.goType(t.Key) + "]" + g.goType(t.Elem)
	case schema.EnumType:
		return g.in(t.Enum.File) + t.Enum.Name
	case schema.StructType:
		return g.in(t.Struct.File) + t.Struct.Name
	case schema.UnionType:
		return g.in(t.Union.File) + t.Union.Name
	case schema.Timestamp, schema.Duration:
		g.use("time")
	}
	return scalars[t.Kind].goType
}

// namesOf returns the names of another file, or of this one.
func (g *generator) namesOf(f *schema.File) *names {
	if f == g.file {
		return g.names
	}
	return nameFile(f)
}

// create returns the call that makes a struct with its defaults.
func (g *generator) create(s *schema.Struct) string {
	return g.in(s.File) + g.namesOf(s.File).create[s] + "()"
}

// codec returns the functions that write and read the members of a union.
func (g *generator) codec(u *schema.Union) codecNames {
	c, in := g.namesOf(u.File).codec[u], g.in(u.File)
	return codecNames{in + c.encode, in + c.decode}
}

// hasDefaults reports whether a struct with its defaults is anything but zero.
func hasDefaults(fields []*schema.Field) bool {
	for _, f := range fields {
		if f.Default != nil && !isZero(f) {
			return true
		}
		if f.Type.Kind == schema.StructType && !f.Type.Optional && hasDefaults(f.Type.Struct.Fields) {
			return true
		}
	}
	return false
}

// isZero reports whether the default of f is Go's zero value.
func isZero(f *schema.Field) bool {
	v := f.Default
	return !v.Bool && v.Int == 0 && v.Uint == 0 && math.Float64bits(v.Float) == 0 && v.String == "" &&
		len(v.Bytes) == 0 &&
		v.Time.IsZero() && v.Duration == 0 && (v.Enum == nil || v.Enum.Number == 0)
}

// literal returns the default of f as a Go expression, and the empty string if it is zero.
func (g *generator) literal(f *schema.Field) string {
	t := f.Type
	if t.Kind == schema.StructType && !t.Optional && hasDefaults(t.Struct.Fields) {
		return g.create(t.Struct)
	}
	if f.Default == nil || isZero(f) {
		return ""
	}
	v := f.Default
	switch t.Kind {
	case schema.Bool:
		return "true"
	case schema.Int, schema.Long:
		return strconv.FormatInt(v.Int, 10)
	case schema.Uint, schema.Ulong:
		return strconv.FormatUint(v.Uint, 10)
	case schema.Float:
		return g.float(v.Float, 32)
	case schema.Double:
		return g.float(v.Float, 64)
	case schema.String:
		return strconv.Quote(v.String)
	case schema.Bytes:
		return fmt.Sprintf("[]byte(%q)", v.Bytes)
	case schema.Timestamp:
		return g.time(v.Time)
	case schema.Duration:
		return g.duration(v.Duration)
	case schema.EnumType:
		return g.in(t.Enum.File) + valueName(t.Enum, v.Enum.Name)
	}
	return ""
}

func (g *generator) float(v float64, bits int) string {
	text := strconv.FormatFloat(v, 'g', -1, bits)
	switch {
	case math.IsInf(v, 1):
		text = g.use("math") + ".Inf(1)"
	case math.IsInf(v, -1):
		text = g.use("math") + ".Inf(-1)"
	case math.IsNaN(v):
		text = g.use("math") + ".NaN()"
	case v == 0:
		text = g.use("math") + ".Copysign(0, -1)"
	default:
		return text
	}
	if bits == 32 {
		return "float32(" + text + ")"
	}
	return text
}

func (g *generator) time(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%s.Date(%d, time.%s, %d, %d, %d, %d, %d, time.UTC)",
		g.use("time"), t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond())
}

var units = []struct {
	size time.Duration
	name string
}{
	{time.Hour, "Hour"}, {time.Minute, "Minute"}, {time.Second, "Second"}, {time.Millisecond, "Millisecond"},
	{time.Microsecond, "Microsecond"}, {time.Nanosecond, "Nanosecond"},
}

// duration returns d in the largest unit that divides it.
func (g *generator) duration(d time.Duration) string {
	for _, u := range units {
		switch {
		case d == u.size:
			return g.use("time") + "." + u.name
		case d%u.size == 0:
			return fmt.Sprintf("%d * %s.%s", d/u.size, g.use("time"), u.name)
		}
	}
	return "0"
}
