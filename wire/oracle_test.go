package wire_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yodelrpc/yodel/wire"
)

// Google's implementation reads what is written here, and what it writes is read here.
func TestAgreesWithProtobuf(t *testing.T) {
	t.Parallel()
	for _, m := range oneOfEach() {
		descriptor := descriptorOf(t, m)
		for seed := range uint64(200) {
			r := random{rand.New(rand.NewPCG(seed, 1))}
			in := fresh(m)
			in.Reset()
			r.fill(reflect.ValueOf(in).Elem(), 3)
			data, err := wire.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			theirs := dynamicpb.NewMessage(descriptor)
			if err := proto.Unmarshal(data, theirs); err != nil {
				t.Fatalf("%T, seed %d: %v", m, seed, err)
			}
			if unknown := theirs.GetUnknown(); len(unknown) > 0 {
				t.Fatalf("%T, seed %d: unknown fields %x", m, seed, unknown)
			}
			back, err := proto.Marshal(theirs)
			if err != nil {
				t.Fatal(err)
			}
			checkReadsBack(t, in, data)
			checkReads(t, in, back)
		}
	}
}

func checkReads(t *testing.T, want wire.Message, data []byte) {
	t.Helper()
	got := fresh(want)
	if err := wire.Unmarshal(data, got); err != nil {
		t.Fatal(err)
	}
	if normal(got) != normal(want) {
		t.Errorf("got  %s\nwant %s", normal(got), normal(want))
	}
}

// A random fills messages.
type random struct{ *rand.Rand }

// fill sets about half of the fields of the struct v, and goes depth structs deep.
func (r random) fill(v reflect.Value, depth int) {
	for i := range v.NumField() {
		if r.IntN(2) == 0 {
			r.value(v.Field(i), depth)
		}
	}
}

func (r random) value(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(1<<34)-1<<33, r.Int64N(1e9)).UTC()))
		return
	case []byte:
		v.SetBytes([]byte(r.text()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> r.IntN(64))
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(float32(r.NormFloat64())))
	case reflect.String:
		v.SetString(r.text())
	default:
		if depth > 0 {
			r.composite(v, depth-1)
		}
	}
}

func (r random) composite(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		r.fill(v, depth)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(v.Elem(), depth)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(20), 20))
		for i := range v.Len() {
			r.value(v.Index(i), depth)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(5) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			r.value(key, depth)
			r.value(value, depth)
			v.SetMapIndex(key, value)
		}
	case reflect.Interface:
		seal := v.Type().Method(0).Type
		member := reflect.New(seal.In(r.IntN(seal.NumIn()))).Elem()
		r.value(member.Field(0), depth)
		v.Set(member)
	}
}

func (r random) text() string {
	b := make([]rune, r.IntN(40))
	for i := range b {
		b[i] = rune('a' + r.IntN(26))
		if r.IntN(100) == 0 {
			b[i] = 'ß'
		}
	}
	return string(b)
}

// descriptorOf returns protobuf's description of m's type.
func descriptorOf(t *testing.T, m wire.Message) protoreflect.MessageDescriptor {
	t.Helper()
	d := &descriptors{file: &descriptorpb.FileDescriptorProto{
		Name: new("all.proto"), Package: new("all"), Syntax: new("proto3"),
		Dependency: []string{"google/protobuf/timestamp.proto", "google/protobuf/duration.proto"},
		EnumType: []*descriptorpb.EnumDescriptorProto{{
			Name:  new("Rounding"),
			Value: []*descriptorpb.EnumValueDescriptorProto{{Name: new("ZERO"), Number: new(int32(0))}},
		}},
	}, seen: map[string]bool{}}
	d.add(wire.TypeOf(m))
	files := new(protoFiles)
	file, err := protodesc.NewFile(d.file, files)
	if err != nil {
		t.Fatal(err)
	}
	return file.Messages().ByName(protoreflect.Name(wire.TypeOf(m).Name))
}

// protoFiles are those that the described file imports.
type protoFiles struct{}

func (*protoFiles) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if path == "google/protobuf/duration.proto" {
		return durationpb.File_google_protobuf_duration_proto, nil
	}
	return timestamppb.File_google_protobuf_timestamp_proto, nil
}

func (*protoFiles) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if name == "google.protobuf.Duration" {
		return (&durationpb.Duration{}).ProtoReflect().Descriptor(), nil
	}
	return (&timestamppb.Timestamp{}).ProtoReflect().Descriptor(), nil
}

// descriptors describes types in a file of protobuf's.
type descriptors struct {
	file *descriptorpb.FileDescriptorProto
	seen map[string]bool
}

func (d *descriptors) add(t *wire.Type) {
	if d.seen[t.Name] {
		return
	}
	d.seen[t.Name] = true
	m := &descriptorpb.DescriptorProto{Name: &t.Name}
	d.file.MessageType = append(d.file.MessageType, m)
	if t.Union {
		m.OneofDecl = []*descriptorpb.OneofDescriptorProto{{Name: new("member")}}
	}
	for _, f := range t.Fields {
		field := d.field(f.ValueType, m, f.Name)
		field.Name, field.Number = new(fmt.Sprintf("f%d", f.Number)), new(int32(f.Number))
		switch {
		case t.Union:
			field.OneofIndex = new(int32(0))
		case hasPresence(f):
			field.Proto3Optional = new(true)
			field.OneofIndex = new(int32(len(m.OneofDecl)))
			m.OneofDecl = append(m.OneofDecl,
				&descriptorpb.OneofDescriptorProto{Name: new("_f" + fmt.Sprint(f.Number))})
		}
		m.Field = append(m.Field, field)
	}
}

// hasPresence reports whether protobuf has to write f even if it is zero, since absence means something else.
func hasPresence(f wire.Field) bool {
	switch f.Kind {
	case wire.KindStruct, wire.KindUnion, wire.KindTimestamp, wire.KindDuration, wire.KindList, wire.KindMap:
		return false
	}
	return f.Optional || !f.Default.IsZero()
}

var protoTypes = map[wire.Kind]descriptorpb.FieldDescriptorProto_Type{
	wire.KindBool:    descriptorpb.FieldDescriptorProto_TYPE_BOOL,
	wire.KindInt32:   descriptorpb.FieldDescriptorProto_TYPE_INT32,
	wire.KindInt64:   descriptorpb.FieldDescriptorProto_TYPE_INT64,
	wire.KindUint32:  descriptorpb.FieldDescriptorProto_TYPE_UINT32,
	wire.KindUint64:  descriptorpb.FieldDescriptorProto_TYPE_UINT64,
	wire.KindFloat32: descriptorpb.FieldDescriptorProto_TYPE_FLOAT,
	wire.KindFloat64: descriptorpb.FieldDescriptorProto_TYPE_DOUBLE,
	wire.KindString:  descriptorpb.FieldDescriptorProto_TYPE_STRING,
	wire.KindBytes:   descriptorpb.FieldDescriptorProto_TYPE_BYTES,
}

func (d *descriptors) field(
	t wire.ValueType, in *descriptorpb.DescriptorProto, name string,
) *descriptorpb.FieldDescriptorProto {
	f := &descriptorpb.FieldDescriptorProto{Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	switch t.Kind {
	case wire.KindList:
		f = d.field(*t.Elem, in, name)
		f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	case wire.KindMap:
		f = d.entry(t, in)
	case wire.KindEnum:
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum(), new(".all.Rounding")
	case wire.KindStruct, wire.KindUnion:
		d.add(t.Type)
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), new(".all."+t.Type.Name)
	case wire.KindTimestamp:
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), new(".google.protobuf.Timestamp")
	case wire.KindDuration:
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), new(".google.protobuf.Duration")
	default:
		f.Type = protoTypes[t.Kind].Enum()
	}
	return f
}

// entry describes a map: a list of entries.
func (d *descriptors) entry(t wire.ValueType, in *descriptorpb.DescriptorProto) *descriptorpb.FieldDescriptorProto {
	name := fmt.Sprintf("F%dEntry", len(in.NestedType)+1)
	key, value := d.field(*t.Key, in, ""), d.field(*t.Elem, in, "")
	key.Name, key.Number, value.Name, value.Number = new("key"), new(int32(1)), new("value"), new(int32(2))
	in.NestedType = append(in.NestedType, &descriptorpb.DescriptorProto{
		Name: &name, Field: []*descriptorpb.FieldDescriptorProto{key, value},
		Options: &descriptorpb.MessageOptions{MapEntry: new(true)},
	})
	return &descriptorpb.FieldDescriptorProto{
		Label:    descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum(),
		Type:     descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
		TypeName: new(".all." + in.GetName() + "." + name),
	}
}
