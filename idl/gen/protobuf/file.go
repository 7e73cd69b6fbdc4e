package protobuf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/yodelrpc/yodel/idl/schema"
)

// Numbers of fields in descriptor.proto, of which the paths of comments are made.
const (
	fileMessage   = 4
	fileService   = 6
	fileSyntax    = 12
	messageField  = 2
	messageEnum   = 4
	enumValue     = 2
	serviceMethod = 2
)

// A file is one .proto file in the making.
type file struct {
	*schema.File
	out     *descriptorpb.FileDescriptorProto
	proto2  bool
	imports map[string]bool
}

func newFile(f *schema.File) *file {
	return &file{
		File:    f,
		proto2:  needsProto2(f),
		imports: make(map[string]bool),
		out: &descriptorpb.FileDescriptorProto{
			Name:           new(protoPath(f)),
			Package:        new(f.Package),
			SourceCodeInfo: new(descriptorpb.SourceCodeInfo),
		},
	}
}

func (f *file) build() *descriptorpb.FileDescriptorProto {
	if !f.proto2 {
		f.out.Syntax = new("proto3") // proto2 is what the absence of a syntax means
	}
	f.comment([]int32{fileSyntax}, f.Doc)
	for _, e := range f.Enums {
		f.enum(e)
	}
	for _, s := range f.Structs {
		f.message(s.Name, s.Doc, s.Fields, s.Reserved)
	}
	for _, u := range f.Unions {
		f.union(u)
	}
	for _, e := range f.Exceptions {
		note := fmt.Sprintf("An exception of code %s.", strings.ToUpper(e.Code))
		f.message(e.Name, lines(e.Doc, note), e.Fields, e.Reserved)
	}
	for _, s := range f.Services {
		f.service(s)
	}
	f.out.Dependency = slices.Sorted(maps.Keys(f.imports))
	return f.out
}

// comment puts text before what is at path.
func (f *file) comment(path []int32, text string) {
	if text == "" {
		return
	}
	var b strings.Builder
	for line := range strings.Lines(text + "\n") {
		if line != "\n" {
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	f.out.SourceCodeInfo.Location = append(f.out.SourceCodeInfo.Location, &descriptorpb.SourceCodeInfo_Location{
		Path:            slices.Clone(path),
		Span:            []int32{0, 0, 0}, // there is no text that it could be in
		LeadingComments: new(b.String()),
	})
}

// lines joins the texts that are not empty, one below the other.
func lines(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n")
}

func deprecation(reason string) string {
	if reason == "" {
		return ""
	}
	return "Deprecated: " + reason
}

// needsProto2 reports whether f or a file that it imports has a default that is not zero. A proto3 file cannot use the
// enums of a proto2 file.
func needsProto2(f *schema.File) bool {
	for _, s := range f.Structs {
		if slices.ContainsFunc(s.Fields, hasDefault) {
			return true
		}
	}
	for _, e := range f.Exceptions {
		if slices.ContainsFunc(e.Fields, hasDefault) {
			return true
		}
	}
	for _, s := range f.Services {
		for _, m := range s.Methods {
			if slices.ContainsFunc(m.Params, hasDefault) {
				return true
			}
		}
	}
	return slices.ContainsFunc(f.Imports, needsProto2)
}
