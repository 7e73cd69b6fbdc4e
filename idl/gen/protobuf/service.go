package protobuf

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/yodelrpc/yodel/idl/schema"
)

func (f *file) service(s *schema.Service) {
	at := []int32{fileService, int32(len(f.out.Service))}
	f.comment(at, s.Doc)
	out := &descriptorpb.ServiceDescriptorProto{Name: new(s.Name)}
	f.out.Service = append(f.out.Service, out)
	for i, m := range s.Methods {
		f.comment(append(at, serviceMethod, int32(i)), methodComment(m))
		out.Method = append(out.Method, f.method(m))
	}
}

func (f *file) method(m *schema.Method) *descriptorpb.MethodDescriptorProto {
	name := m.Service.Name + schema.UpperCamel(m.Name)
	about := m.Service.Name + "." + m.Name
	f.message(name+"Request", "The parameters of "+about+".", m.Params, nil)
	var results []*schema.Field
	if m.Result != nil {
		results = []*schema.Field{{Number: 1, Name: "result", Type: m.Result}}
	}
	f.message(name+"Response", "The result of "+about+".", results, nil)
	out := &descriptorpb.MethodDescriptorProto{
		Name:       new(m.Name),
		InputType:  new("." + f.Package + "." + name + "Request"),
		OutputType: new("." + f.Package + "." + name + "Response"),
		Options:    methodOptions(m),
	}
	if m.StreamParam != nil {
		out.ClientStreaming = new(true)
	}
	if m.StreamResult {
		out.ServerStreaming = new(true)
	}
	return out
}

func methodOptions(m *schema.Method) *descriptorpb.MethodOptions {
	if !m.Idempotent && m.Deprecated == "" {
		return nil
	}
	o := new(descriptorpb.MethodOptions)
	if m.Deprecated != "" {
		o.Deprecated = new(true)
	}
	if m.Idempotent {
		o.IdempotencyLevel = descriptorpb.MethodOptions_IDEMPOTENT.Enum()
	}
	return o
}

func methodComment(m *schema.Method) string {
	texts := []string{m.Doc, deprecation(m.Deprecated)}
	if len(m.Exceptions) > 0 {
		var names []string
		for _, e := range m.Exceptions {
			names = append(names, e.File.Package+"."+e.Name)
		}
		texts = append(texts, "Exceptions: "+strings.Join(names, ", ")+".")
	}
	if m.Timeout > 0 {
		texts = append(texts, fmt.Sprintf("Timeout: %v.", m.Timeout))
	}
	return lines(texts...)
}
