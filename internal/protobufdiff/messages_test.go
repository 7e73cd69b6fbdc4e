package protobufdiff_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/protobuf"
	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/internal/everything/common"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A kind is one type of message in both implementations.
type kind struct {
	name   string // "everything.Scalars"
	newOur func() wire.Message
	their  protoreflect.MessageDescriptor
}

func (k kind) newTheir() proto.Message { return dynamicpb.NewMessage(k.their) }

// our returns a new message with its defaults.
func (k kind) our() wire.Message {
	m := k.newOur()
	m.Reset()
	return m
}

// kinds are the messages of the tests: structs, exceptions, and the arguments and results of unary methods.
var kinds = sync.OnceValue(func() []kind {
	files := descriptors()
	var all []kind
	add := func(name string, newOur func() wire.Message) {
		d, err := files.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			panic(name + ": " + err.Error())
		}
		all = append(all, kind{name, newOur, d.(protoreflect.MessageDescriptor)})
	}
	add("everything.Scalars", func() wire.Message { return new(everything.Scalars) })
	add("everything.Defaults", func() wire.Message { return new(everything.Defaults) })
	add("everything.Optionals", func() wire.Message { return new(everything.Optionals) })
	add("everything.Lists", func() wire.Message { return new(everything.Lists) })
	add("everything.Maps", func() wire.Message { return new(everything.Maps) })
	add("everything.Node", func() wire.Message { return new(everything.Node) })
	add("everything.Account", func() wire.Message { return new(everything.Account) })
	add("everything.Hostile", func() wire.Message { return new(everything.Hostile) })
	add("everything.InvalidOperation", func() wire.Message { return new(everything.InvalidOperation) })
	add("everything.Silent", func() wire.Message { return new(everything.Silent) })
	add("common.Circle", func() wire.Message { return new(common.Circle) })
	add("common.Missing", func() wire.Message { return new(common.Missing) })
	for _, route := range routes() {
		if !route.Unary() {
			continue
		}
		name := route.Method.Service + schema.UpperCamel(route.Method.Name)
		add(name+"Request", func() wire.Message { return route.NewCall().Args })
		add(name+"Response", func() wire.Message { return route.NewCall().Result })
	}
	return all
})

// routes leads to the arguments and results of everything's methods; nothing calls the handlers.
func routes() []*rpc.Route {
	d, err := rpc.NewDispatcher(everythingServices(), rpc.DispatcherOptions{})
	if err != nil {
		panic(err)
	}
	return d.Routes()
}

func everythingServices() []*rpc.Service {
	return []*rpc.Service{
		everything.NewCalculatorService(struct{ everything.CalculatorHandler }{}),
		everything.NewService(struct{ everything.Handler }{}),
	}
}

// descriptors returns what the compiler exports for everything.yodel.
func descriptors() *protoregistry.Files {
	fromTop := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("../..", name)) }
	files, diagnostics := check.Files(fromTop, "internal/everything/everything.yodel")
	if len(files) == 0 {
		panic(diagnostics.Err())
	}
	protos, err := protobuf.Descriptors(files...)
	if err != nil {
		panic(err)
	}
	wellKnown := []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto),
		protodesc.ToFileDescriptorProto(durationpb.File_google_protobuf_duration_proto),
	}
	registry, err := protodesc.NewFiles(&descriptorpb.FileDescriptorSet{File: append(wellKnown, protos...)})
	if err != nil {
		panic(err)
	}
	return registry
}

// forEachKind runs a test for each kind of message.
func forEachKind(t *testing.T, test func(t *testing.T, k kind, seed uint64)) {
	for i, k := range kinds() {
		t.Run(strings.ReplaceAll(k.name, "everything.", ""), func(t *testing.T) {
			t.Parallel()
			test(t, k, uint64(i))
		})
	}
}

// same reports whether two of our messages mean the same, by what the other implementation reads from them.
func same(t *testing.T, k kind, a, b wire.Message) bool {
	t.Helper()
	return proto.Equal(theirs(t, k, a), theirs(t, k, b))
}

// theirs returns m as the other implementation reads it from our wire format.
func theirs(t *testing.T, k kind, m wire.Message) proto.Message {
	t.Helper()
	data, err := wire.Marshal(m)
	if err != nil {
		t.Fatalf("writing %s: %v", wire.String(m), err)
	}
	their := k.newTheir()
	if err := proto.Unmarshal(data, their); err != nil {
		t.Fatalf("they cannot read our bytes %x: %v", data, err)
	}
	return their
}

// ours returns m as we read it from their wire format, or our error.
func ours(t *testing.T, k kind, m proto.Message) (wire.Message, error) {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatalf("they cannot write what they read: %v", err)
	}
	our := k.our()
	return our, wire.Unmarshal(data, our)
}
