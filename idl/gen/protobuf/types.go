package protobuf

import (
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/yodelrpc/yodel/idl/schema"
)

// scalars are protobuf's types for those of the language that are neither messages nor enums.
var scalars = map[schema.Kind]descriptorpb.FieldDescriptorProto_Type{
	schema.Bool:   descriptorpb.FieldDescriptorProto_TYPE_BOOL,
	schema.Int:    descriptorpb.FieldDescriptorProto_TYPE_INT32,
	schema.Long:   descriptorpb.FieldDescriptorProto_TYPE_INT64,
	schema.Uint:   descriptorpb.FieldDescriptorProto_TYPE_UINT32,
	schema.Ulong:  descriptorpb.FieldDescriptorProto_TYPE_UINT64,
	schema.Float:  descriptorpb.FieldDescriptorProto_TYPE_FLOAT,
	schema.Double: descriptorpb.FieldDescriptorProto_TYPE_DOUBLE,
	schema.String: descriptorpb.FieldDescriptorProto_TYPE_STRING,
	schema.Bytes:  descriptorpb.FieldDescriptorProto_TYPE_BYTES,
}

// typ sets the type of out, which is neither a list nor a map, and imports the file that declares it.
func (f *file) typ(out *descriptorpb.FieldDescriptorProto, t *schema.Type) {
	if scalar, ok := scalars[t.Kind]; ok {
		out.Type = &scalar
		return
	}
	out.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
	switch t.Kind {
	case schema.Timestamp:
		f.refer(out, "google/protobuf/timestamp.proto", "google.protobuf.Timestamp")
	case schema.Duration:
		f.refer(out, "google/protobuf/duration.proto", "google.protobuf.Duration")
	case schema.EnumType:
		out.Type = descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum()
		f.declared(out, t.Enum.File, t.Enum.Name+"."+enumNameOf(t.Enum))
	case schema.StructType:
		f.declared(out, t.Struct.File, t.Struct.Name)
	case schema.UnionType:
		f.declared(out, t.Union.File, t.Union.Name)
	}
}

func (f *file) declared(out *descriptorpb.FieldDescriptorProto, in *schema.File, name string) {
	f.refer(out, protoPath(in), in.Package+"."+name)
}

func (f *file) refer(out *descriptorpb.FieldDescriptorProto, path, name string) {
	if path != f.out.GetName() {
		f.imports[path] = true
	}
	out.TypeName = new("." + name)
}

func isTime(t *schema.Type) bool { return t.Kind == schema.Timestamp || t.Kind == schema.Duration }

// isMessage reports whether protobuf always tells whether a field of type t is there.
func isMessage(t *schema.Type) bool {
	return isTime(t) || t.Kind == schema.StructType || t.Kind == schema.UnionType
}

// hasDefault reports whether a field has a default that proto3 cannot express and proto2 can.
func hasDefault(field *schema.Field) bool {
	v := field.Default
	if v == nil || isTime(field.Type) {
		return false
	}
	return v.Bool || v.Int != 0 || v.Uint != 0 || math.Float64bits(v.Float) != 0 ||
		v.String != "" || len(v.Bytes) > 0 || v.Enum != nil && v.Enum.Number != 0
}

// defaultText returns a default as it stands in a descriptor, or in a comment.
func defaultText(field *schema.Field) string {
	v := field.Default
	switch field.Type.Kind {
	case schema.Bool:
		return strconv.FormatBool(v.Bool)
	case schema.Int, schema.Long:
		return strconv.FormatInt(v.Int, 10)
	case schema.Uint, schema.Ulong:
		return strconv.FormatUint(v.Uint, 10)
	case schema.Float:
		return floatText(v.Float, 32)
	case schema.Double:
		return floatText(v.Float, 64)
	case schema.String:
		return v.String
	case schema.Bytes:
		return escape(string(v.Bytes))
	case schema.EnumType:
		return valueName(v.Enum)
	case schema.Timestamp:
		return v.Time.Format(time.RFC3339Nano)
	default:
		return v.Duration.String()
	}
}

func floatText(x float64, bits int) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(x, 'g', -1, bits), "+"))
	}
	return strconv.FormatFloat(x, 'g', -1, bits)
}

// escape writes bytes as protobuf's literals have them: printable ASCII as it is, the rest in octal.
func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c == '\n':
			b.WriteString(`\n`)
		case ' ' <= c && c <= '~':
			b.WriteByte(c)
		default:
			b.WriteString(`\` + string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7}))
		}
	}
	return b.String()
}
