package protobuf

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/yodelrpc/yodel/idl/schema"
)

// enumName is the name of an enum within the message that stands for it.
const enumName = "Enum"

func (f *file) enum(e *schema.Enum) {
	at := []int32{fileMessage, int32(len(f.out.MessageType))}
	f.comment(at, e.Doc)
	at = append(at, messageEnum, 0)
	enum := &descriptorpb.EnumDescriptorProto{Name: new(enumNameOf(e))}
	for i, v := range e.Values {
		name := valueName(&v)
		var renamed string
		if name != v.Name {
			renamed = "Named " + v.Name + " in JSON."
		}
		f.comment(append(at, enumValue, int32(i)), lines(v.Doc, renamed, deprecation(v.Deprecated)))
		value := &descriptorpb.EnumValueDescriptorProto{Name: &name, Number: new(v.Number)}
		if v.Deprecated != "" {
			value.Options = &descriptorpb.EnumValueOptions{Deprecated: new(true)}
		}
		enum.Value = append(enum.Value, value)
	}
	for first, last := range ranges(e.Reserved) {
		enum.ReservedRange = append(enum.ReservedRange,
			&descriptorpb.EnumDescriptorProto_EnumReservedRange{Start: &first, End: &last})
	}
	f.out.MessageType = append(f.out.MessageType, &descriptorpb.DescriptorProto{
		Name:     new(e.Name),
		EnumType: []*descriptorpb.EnumDescriptorProto{enum},
	})
}

// enumNameOf returns enumName, changed where a value has that name.
func enumNameOf(e *schema.Enum) string {
	name := enumName
	for slices.ContainsFunc(e.Values, func(v schema.EnumValue) bool { return v.Name == name }) {
		name += "_"
	}
	return name
}

// valueName returns the name of an enum's value, changed if it is one that a .proto file cannot begin a line of an enum
// with.
func valueName(v *schema.EnumValue) string {
	if v.Name == "reserved" || v.Name == "option" {
		return v.Name + "_"
	}
	return v.Name
}

func (f *file) union(u *schema.Union) {
	message := f.message(u.Name, u.Doc, u.Members, u.Reserved)
	name := "member"
	for slices.ContainsFunc(u.Members, func(m *schema.Field) bool { return m.Name == name }) {
		name += "_"
	}
	message.OneofDecl = []*descriptorpb.OneofDescriptorProto{{Name: new(name)}}
	for _, field := range message.Field {
		field.OneofIndex = new(int32(0))
	}
}

// message adds a message with the given fields.
func (f *file) message(name, doc string, fields []*schema.Field, reserved []int) *descriptorpb.DescriptorProto {
	message := &descriptorpb.DescriptorProto{Name: new(name)}
	at := []int32{fileMessage, int32(len(f.out.MessageType))}
	f.out.MessageType = append(f.out.MessageType, message)
	f.comment(at, doc)
	for i, field := range fields {
		f.comment(append(at, messageField, int32(i)), fieldComment(field))
		message.Field = append(message.Field, f.field(message, field))
	}
	for first, last := range ranges(reserved) {
		end := last + 1
		message.ReservedRange = append(message.ReservedRange,
			&descriptorpb.DescriptorProto_ReservedRange{Start: &first, End: &end})
	}
	return message
}

func fieldComment(field *schema.Field) string {
	texts := []string{field.Doc, deprecation(field.Deprecated)}
	if field.Required {
		texts = append(texts, "Required.")
	}
	if field.Sensitive {
		texts = append(texts, "Sensitive: not to be shown.")
	}
	if limits := field.Limits(); limits != "" {
		texts = append(texts, "Constraint: "+limits+".")
	}
	if field.Default != nil && isTime(field.Type) {
		texts = append(texts, "Default: "+defaultText(field))
	}
	return lines(texts...)
}

// field returns a field of message, to which it adds what a map or an optional field needs besides.
func (f *file) field(message *descriptorpb.DescriptorProto, field *schema.Field) *descriptorpb.FieldDescriptorProto {
	out := &descriptorpb.FieldDescriptorProto{
		Name:     new(field.Name),
		Number:   new(int32(field.Number)),
		JsonName: new(schema.JSONName(field.Name)),
		Label:    descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
	if field.Deprecated != "" {
		out.Options = &descriptorpb.FieldOptions{Deprecated: new(true)}
	}
	switch t := field.Type; {
	case t.Kind == schema.List:
		f.repeated(out, t)
	case t.Kind == schema.Map:
		f.entries(message, out, t)
	default:
		f.typ(out, t)
		if hasDefault(field) {
			out.DefaultValue = new(defaultText(field))
		}
		if !f.proto2 && (t.Optional || field.Required) && !isMessage(t) {
			explicit(message, out)
		}
	}
	return out
}

// explicit makes a field of proto3 optional: it gets a oneof of its own. The messages that have optional fields have no
// other oneofs.
func explicit(message *descriptorpb.DescriptorProto, out *descriptorpb.FieldDescriptorProto) {
	out.Proto3Optional = new(true)
	out.OneofIndex = new(int32(len(message.OneofDecl)))
	message.OneofDecl = append(message.OneofDecl, &descriptorpb.OneofDescriptorProto{Name: new("_" + out.GetName())})
}

func (f *file) repeated(out *descriptorpb.FieldDescriptorProto, t *schema.Type) {
	f.typ(out, t.Elem)
	out.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	if !f.proto2 || isMessage(t.Elem) || t.Elem.Kind == schema.String || t.Elem.Kind == schema.Bytes {
		return
	}
	if out.Options == nil {
		out.Options = new(descriptorpb.FieldOptions)
	}
	out.Options.Packed = new(true) // as proto3 does by itself
}

// entries makes a map of a field: a list of messages of a type within message.
func (f *file) entries(message *descriptorpb.DescriptorProto, out *descriptorpb.FieldDescriptorProto, t *schema.Type) {
	name := entryName(out.GetName())
	out.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	out.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
	out.TypeName = new("." + f.Package + "." + message.GetName() + "." + name)
	entry := &descriptorpb.DescriptorProto{Name: &name, Options: &descriptorpb.MessageOptions{MapEntry: new(true)}}
	for i, t := range []*schema.Type{t.Key, t.Elem} {
		part := &descriptorpb.FieldDescriptorProto{
			Name:     new([]string{"key", "value"}[i]),
			Number:   new(int32(i + 1)),
			JsonName: new([]string{"key", "value"}[i]),
			Label:    descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
		f.typ(part, t)
		entry.Field = append(entry.Field, part)
	}
	message.NestedType = append(message.NestedType, entry)
}

// entryName returns the name that compilers give to the type of a map's entries: CountsEntry for counts.
func entryName(field string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(field, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String() + "Entry"
}

// ranges yields the first and last number of each run in sorted numbers.
func ranges(numbers []int) func(yield func(first, last int32) bool) {
	return func(yield func(first, last int32) bool) {
		for i := 0; i < len(numbers); {
			first := numbers[i]
			last := first
			for i++; i < len(numbers) && numbers[i] == last+1; i++ {
				last++
			}
			if !yield(int32(first), int32(last)) {
				return
			}
		}
	}
}
