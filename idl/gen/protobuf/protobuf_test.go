package protobuf_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/protobuf"
	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/internal/testenv"
)

var update = flag.Bool("update", false, "write the golden files anew")

const testdata = "idl/gen/protobuf/testdata/"

// definitions are the paths of the tests' definitions, from the top of the repository. Each has a golden file.
var definitions = map[string]string{
	"examples/divide/divide.yodel":            testdata + "divide.proto",
	"internal/everything/common/common.yodel": testdata + "common.proto",
	"internal/everything/everything.yodel":    testdata + "everything.proto",
	testdata + "plain/plain.yodel":            testdata + "plain/plain.proto",
	testdata + "odd/odd.yodel":                testdata + "odd/odd.proto",
	"internal/constraints/constraints.yodel":  testdata + "constraints.proto",
}

// load checks a definition, with paths from the top of the repository.
func load(t testing.TB, definition string) *schema.File {
	t.Helper()
	fromTop := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("../../..", name)) }
	files, diagnostics := check.Files(fromTop, definition)
	if len(files) != 1 {
		t.Fatal(diagnostics.Err())
	}
	return files[0]
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for definition, golden := range definitions {
		t.Run(path.Base(definition), func(t *testing.T) {
			t.Parallel()
			got, err := protobuf.Generate(load(t, definition))
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("../../..", golden)
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is not what the generator makes; run go test ./idl/gen/protobuf -update", golden)
			}
		})
	}
}

// A compiler reads the .proto files below dir and writes their descriptors to the file out.
type compiler struct {
	program string
	args    func(dir, out string, names []string) []string
}

var compilers = []compiler{
	{"protoc", func(dir, out string, names []string) []string {
		return append([]string{"-I", dir, "-o", out}, names...)
	}},
	{"buf", func(dir, out string, _ []string) []string {
		return []string{"build", dir, "--as-file-descriptor-set", "--exclude-imports", "-o", out}
	}},
}

// What compilers make of the text is what Descriptors says.
func TestCompilersAgree(t *testing.T) {
	t.Parallel()
	for _, c := range compilers {
		for definition := range definitions {
			t.Run(c.program+"/"+path.Base(definition), func(t *testing.T) {
				t.Parallel()
				program := testenv.Need(t, c.program)
				f := load(t, definition)
				dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out.binpb")
				names := write(t, dir, f)
				command := exec.Command(program, c.args(dir, out, names)...)
				if output, err := command.CombinedOutput(); err != nil || len(output) > 0 {
					t.Fatalf("%v: %s", err, output)
				}
				compare(t, read(t, out), f)
			})
		}
	}
}

// write writes the .proto files of f and its imports below dir and returns their names.
func write(t *testing.T, dir string, f *schema.File) (names []string) {
	t.Helper()
	for _, other := range f.Imports {
		names = append(names, write(t, dir, other)...)
	}
	text, err := protobuf.Generate(f)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSuffix(f.Path, ".yodel") + ".proto"
	if err := os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return append(names, name)
}

func read(t *testing.T, file string) map[string]*descriptorpb.FileDescriptorProto {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*descriptorpb.FileDescriptorProto)
	for _, p := range set.File {
		byName[p.GetName()] = p
	}
	return byName
}

// compare holds the compiled files against the descriptors of f.
func compare(t *testing.T, compiled map[string]*descriptorpb.FileDescriptorProto, f *schema.File) {
	t.Helper()
	want, err := protobuf.Descriptors(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(compiled) != len(want) {
		t.Errorf("%d files were compiled, want %d", len(compiled), len(want))
	}
	for _, w := range want {
		got := compiled[w.GetName()]
		if got == nil {
			t.Errorf("%s was not compiled", w.GetName())
			continue
		}
		got.SourceCodeInfo, w.SourceCodeInfo = nil, nil
		normalize(t, got)
		if !proto.Equal(got, w) {
			t.Errorf("%s: compiled\n%v\nwant\n%v", w.GetName(), got, w)
		}
	}
}

// normalize writes defaults of floats in the shortest form, since buf writes them with the digits of a double.
func normalize(t *testing.T, p *descriptorpb.FileDescriptorProto) {
	t.Helper()
	for _, m := range p.MessageType {
		for _, f := range m.Field {
			if f.GetType() != descriptorpb.FieldDescriptorProto_TYPE_FLOAT || f.DefaultValue == nil {
				continue
			}
			x, err := strconv.ParseFloat(f.GetDefaultValue(), 32)
			if err != nil {
				t.Fatal(err)
			}
			f.DefaultValue = new(strconv.FormatFloat(x, 'g', -1, 32))
		}
	}
}

func TestDescriptorsHoldComments(t *testing.T) {
	t.Parallel()
	protos, err := protobuf.Descriptors(load(t, testdata+"plain/plain.yodel"))
	if err != nil {
		t.Fatal(err)
	}
	plain := protos[len(protos)-1]
	for _, l := range plain.SourceCodeInfo.Location {
		if slices.Equal(l.Path, []int32{4, 0, 4, 0, 2, 0}) {
			if l.GetLeadingComments() != " The colour of nothing.\n" {
				t.Errorf("the comment is %q", l.GetLeadingComments())
			}
			return
		}
	}
	t.Error("the first value of the first enum has no comment")
}

func TestDescriptorsOfSeveralFiles(t *testing.T) {
	t.Parallel()
	everything, divide := load(t, "internal/everything/everything.yodel"), load(t, "examples/divide/divide.yodel")
	protos, err := protobuf.Descriptors(everything, divide, everything, everything.Imports[0])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range protos {
		names = append(names, path.Base(p.GetName()))
	}
	if want := []string{"common.proto", "everything.proto", "divide.proto"}; !slices.Equal(names, want) {
		t.Errorf("files %q, want %q", names, want)
	}
}

func TestDescriptorsErrors(t *testing.T) {
	t.Parallel()
	one := &schema.File{Path: "a/a.yodel", Package: "same", Structs: []*schema.Struct{{Name: "Point"}}}
	two := &schema.File{Path: "b/b.yodel", Package: "same", Structs: []*schema.Struct{{Name: "Point"}}}
	_, err := protobuf.Descriptors(one, two)
	if err == nil || !strings.Contains(err.Error(), "b/b.yodel cannot be a .proto file") {
		t.Errorf("two files with one name: %v", err)
	}
}
