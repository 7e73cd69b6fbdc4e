package protobuf

import (
	"fmt"
	"path"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yodelrpc/yodel/idl/schema"
)

// Descriptors returns the descriptors of the files and of all files that they import, each once and after those that it
// imports; google/protobuf/timestamp.proto and duration.proto are left to the caller. Comments are in their source
// info. It fails where protobuf's rules are stricter, such as for names of two packages that collide.
func Descriptors(files ...*schema.File) ([]*descriptorpb.FileDescriptorProto, error) {
	s := &set{done: make(map[*schema.File]bool), registry: new(protoregistry.Files)}
	_ = s.registry.RegisterFile(timestamppb.File_google_protobuf_timestamp_proto) // an empty registry takes both
	_ = s.registry.RegisterFile(durationpb.File_google_protobuf_duration_proto)
	for _, f := range files {
		if err := s.add(f); err != nil {
			return nil, err
		}
	}
	return s.protos, nil
}

// Generate returns the .proto file for f.
func Generate(f *schema.File) ([]byte, error) {
	protos, err := Descriptors(f)
	if err != nil {
		return nil, err
	}
	return text(protos[len(protos)-1], path.Base(f.Path)), nil
}

// A set is the files made so far.
type set struct {
	done     map[*schema.File]bool
	registry *protoregistry.Files
	protos   []*descriptorpb.FileDescriptorProto
}

func (s *set) add(f *schema.File) error {
	if s.done[f] {
		return nil
	}
	s.done[f] = true
	for _, other := range f.Imports {
		if err := s.add(other); err != nil {
			return err
		}
	}
	proto := newFile(f).build()
	checked, err := protodesc.NewFile(proto, s.registry)
	if err == nil {
		err = s.registry.RegisterFile(checked)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be a .proto file: %w", f.Path, err)
	}
	s.protos = append(s.protos, proto)
	return nil
}

// protoPath returns where the .proto file for f is.
func protoPath(f *schema.File) string { return strings.TrimSuffix(f.Path, path.Ext(f.Path)) + ".proto" }
