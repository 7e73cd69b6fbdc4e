package protobufdiff_test

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// excused reports whether data, a message of the type d, has what both implementations take and read differently: a
// timestamp or duration that is there twice.
func excused(d protoreflect.MessageDescriptor, data []byte) bool {
	found := false
	inside := make(map[protowire.Number][]byte) // what occurrences of a message that are merged hold together
	for len(data) > 0 {
		number, wireType, tag := protowire.ConsumeTag(data)
		n := protowire.ConsumeFieldValue(number, wireType, data[max(tag, 0):])
		if tag < 0 || n < 0 {
			return false
		}
		field := d.Fields().ByNumber(number)
		content, _ := protowire.ConsumeBytes(data[tag:])
		data = data[tag+n:]
		if wireType != protowire.BytesType || field == nil || field.Message() == nil {
			continue
		}
		before, twice := inside[number]
		switch {
		case field.Cardinality() == protoreflect.Repeated:
			found = found || excused(field.Message(), content)
		case twice && isTime(field.Message()):
			found = true
		default:
			inside[number] = append(before, content...)
		}
	}
	for number, content := range inside {
		found = found || excused(d.Fields().ByNumber(number).Message(), content)
	}
	return found
}

func isTime(d protoreflect.MessageDescriptor) bool {
	return d.FullName() == "google.protobuf.Timestamp" || d.FullName() == "google.protobuf.Duration"
}
