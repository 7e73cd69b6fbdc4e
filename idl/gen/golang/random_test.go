package golang_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/gen/golang"
	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/internal/testenv"
)

// Names that mean something in Go, or in generated code.
var (
	hostileNames = []string{
		"a", "all", "any", "append", "args", "bool", "byte", "c", "call", "slog", "client", "cmp", "context", "ctx",
		"decode_wire", "e", "d", "element", "encode_wire", "err", "fmt", "func", "go_string", "h", "handler", "has_a",
		"in",
		"int32", "int_", "iota", "iter", "len", "m", "make", "marshal_json", "math", "message", "new", "nil", "num1",
		"num2",
		"opt", "opts", "out", "range", "reset", "result", "rpc", "select", "send", "strconv", "string", "log_value",
		"time",
		"true", "type", "u", "unmarshal_json", "v", "var", "wire", "x", "yield", "yodel_exception", "divideArgs",
	}
	hostileTypes = []string{
		"Caller", "Client", "Context", "Decoder",
		"Divide", "DivideOption", "DivideArgs", "EncodeShape", "Error", "Handler",
		"Len",
		"Message", "Method", "NewClient", "NewPoint", "NewService", "Num1", "Num2", "Option", "Point", "Reset",
		"Service",
		"Shape", "ShapeClient", "String", "Time", "V", "X", "Yield", "Type", "A_B", "OrdersB", "UsersY", "UsersClient",
		"OrdersAOption",
	}
	hostilePackages = []string{"cmp", "common", "context", "iter", "math", "rpc", "strconv", "time", "wire", "slog",
		"yield"}
)

// What the compiler takes, Go takes: files of random declarations with hostile names are generated, built and vetted.
func TestRandomDefinitionsCompile(t *testing.T) {
	t.Parallel()
	goTool := testenv.Need(t, "go")
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), "module example.test/random\n\ngo 1.26\n\n"+
		"require github.com/yodelrpc/yodel v0.0.0\n\nreplace github.com/yodelrpc/yodel => "+root+"\n")
	files := randomFiles(20)
	load := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	for path := range files {
		schemas, diagnostics := check.Files(load, path)
		if len(schemas) != 1 {
			t.Fatalf("%s does not pass the check: %v\n%s", path, diagnostics.Err(), files[path])
		}
		text, err := golang.Generate(schemas[0], options())
		if err != nil {
			t.Fatal(err)
		}
		writeGo(t, dir, path, text)
	}
	randomPackages(t, dir)
	vet := exec.CommandContext(t.Context(), goTool, "vet", "./...")
	vet.Dir = dir
	vet.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	if out, err := vet.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func options(beside ...*schema.File) golang.Options {
	return golang.Options{Beside: beside, ImportPath: func(dir string) (string, error) {
		return "example.test/random/" + dir, nil
	}}
}

func writeGo(t *testing.T, dir, definition string, text []byte) {
	t.Helper()
	write(t, filepath.Join(dir, golang.FileName(definition)), string(text))
}

// randomPackages generates packages of three files each, of which one is named as the package.
// Where two files would declare the same name, the checker or the generator says so, which hostile names of types make
// them do; those of methods and parameters, which all files pick from the same few, do not.
func randomPackages(t *testing.T, dir string) {
	t.Helper()
	const packages = 8
	good := 0
	for seed := range packages {
		folder := fmt.Sprintf("p%d/shop/", seed)
		files, paths := map[string]string{}, []string{folder + "shop.yodel", folder + "users.yodel",
			folder + "orders.yodel"}
		types := rand.New(rand.NewPCG(uint64(seed), 8)).Perm(len(hostileTypes))
		for i, path := range paths {
			d := &definition{Rand: rand.New(rand.NewPCG(uint64(seed), uint64(i))), number: i, pkg: "shop", path: path}
			for _, n := range types[i*11 : i*11+11] {
				if seed%2 == 0 {
					d.names = append(d.names, hostileTypes[n])
				} else {
					d.names = append(d.names, fmt.Sprintf("Plain%d", n))
				}
			}
			files[path] = d.text()
		}
		load := func(path string) ([]byte, error) { return []byte(files[path]), nil }
		schemas, diagnostics := check.Files(load, paths...)
		if len(schemas) == 0 {
			t.Log(diagnostics.Err())
			continue
		}
		good += generatePackage(t, dir, schemas)
	}
	if good < packages/2 {
		t.Errorf("%d of %d packages could be generated", good, packages)
	}
}

// generatePackage writes the files of one package, and returns 1; or nothing and 0, if two names are the same.
func generatePackage(t *testing.T, dir string, schemas []*schema.File) int {
	t.Helper()
	var texts [][]byte
	for _, f := range schemas {
		text, err := golang.Generate(f, options(schemas...))
		if err != nil && strings.Contains(err.Error(), "rename one of them") {
			t.Log(err)
			return 0
		}
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	for i, f := range schemas {
		writeGo(t, dir, f.Path, texts[i])
	}
	return 1
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// randomFiles returns n definitions by path, each of which may import those before it.
func randomFiles(n int) map[string]string {
	files := map[string]string{}
	var before []*definition
	for seed := range n {
		d := &definition{Rand: rand.New(rand.NewPCG(uint64(seed), 7)), number: seed, imports: before}
		d.pkg = hostilePackages[seed%len(hostilePackages)]
		d.path = fmt.Sprintf("d%d/%s/file%d.yodel", seed, d.pkg, seed)
		files[d.path] = d.text()
		before = append(before, d)
	}
	return files
}

// A definition is a random one.
type definition struct {
	*rand.Rand
	number    int
	path, pkg string
	imports   []*definition
	names     []string // what its types are called; none for any hostile ones

	types      []string // that fields may have: enums, structs and unions, as other files call them too
	structs    []string // those of them that are structs
	enums      []string
	exceptions []string
	b          strings.Builder
}

func (d *definition) text() string {
	fmt.Fprintf(&d.b, "package %s\n", d.pkg)
	d.chooseImports()
	names := d.names
	if len(names) == 0 {
		names = d.pick(hostileTypes, 14)
	}
	d.enums, d.structs = names[:2], names[2:6]
	unions, exceptions := names[6:8], names[8:10]
	d.exceptions = append(d.exceptions, exceptions...)
	d.types = append(append(append([]string{}, d.enums...), d.structs...), unions...)
	for _, e := range d.enums {
		fmt.Fprintf(&d.b, "enum %s { ZERO = 0, ONE = 1, type = -5 }\n", e)
	}
	for i, s := range d.structs {
		d.message("struct "+s, d.structs[:i])
	}
	for _, x := range exceptions {
		d.message("exception "+x, d.structs)
	}
	for _, u := range unions {
		fmt.Fprintf(&d.b, "union %s {\n", u)
		for i, name := range d.pick(hostileNames, 1+d.IntN(5)) {
			field := d.one(d.structs) + " " + name
			fmt.Fprintf(&d.b, "  %s%d: %s\n", constraintsOf(field), i+1, field)
		}
		d.b.WriteString("}\n")
	}
	fmt.Fprintf(&d.b, "service %s {\n", names[10])
	d.methods()
	d.b.WriteString("}\n")
	d.methods()
	return d.b.String()
}

// chooseImports imports up to two files of other packages.
func (d *definition) chooseImports() {
	all := d.imports
	d.imports = nil
	for range min(2, len(all)) {
		other := all[d.IntN(len(all))]
		if other.pkg != d.pkg && (len(d.imports) == 0 || d.imports[0].pkg != other.pkg) {
			d.imports = append(d.imports, other)
			fmt.Fprintf(&d.b, "import \"../../%s\"\n", other.path)
		}
	}
}

// pick returns n different ones of all; names that differ in case and underscores alone do not stand in one list.
func (d *definition) pick(all []string, n int) []string {
	var out []string
	for _, i := range d.Perm(len(all))[:n] {
		out = append(out, all[i])
	}
	return out
}

func (d *definition) message(head string, before []string) {
	exception := strings.HasPrefix(head, "exception")
	fmt.Fprintf(&d.b, "// Documentation of %s.\n%s {\n", head, head)
	for i, name := range d.pick(hostileNames, d.IntN(12)) {
		if exception && name == "error" {
			continue
		}
		annotation := []string{"", "@sensitive ", `@deprecated("why not") `}[d.IntN(3)]
		field := d.field(name, before)
		if !exception && d.IntN(3) == 0 {
			annotation += constraintsOf(field)
		}
		fmt.Fprintf(&d.b, "  %s%d: %s\n", annotation, d.fieldNumber(i), field)
	}
	d.b.WriteString("}\n")
}

func (d *definition) fieldNumber(i int) int {
	return []int{i + 1, i + 16, 1000 + i, 1 << 28}[min(i/4, 2)]
}

var simple = []string{
	"bool", "int", "long", "uint", "ulong", "float", "double", "string", "bytes", "timestamp", "duration",
}

var defaults = map[string]string{
	"bool": "true", "int": "-5", "long": "-9223372036854775808", "uint": "7", "ulong": "18446744073709551615",
	"float": "1.1", "double": "-1e100", "string": `"a \"quoted\" text"`, "bytes": `"bytes"`, "duration": "1h5ms",
}

// constraints are those that a type takes, which its default keeps to.
var constraints = map[string]string{
	"int": "@min(-5) @max(7) ", "long": "@min(-9223372036854775808) ", "uint": "@min(7) ", "ulong": "@min(1) ",
	"float": "@min(0.1) @max(1.1) ", "double": "@min(-1e100) ", "string": `@len(1, 40) @pattern("\\w \"") `,
	"bytes": "@len(1, max) ", "duration": "@min(0) @max(100h) ", "timestamp": `@max("2020-01-01T00:00:00.5Z") `,
}

// constraintsOf returns constraints for a field, of which the type and the name are given.
func constraintsOf(field string) string {
	t, _, _ := strings.Cut(field, " ")
	if strings.HasPrefix(field, "map<") {
		_, t, _ = strings.Cut(field, ", ")
	}
	t, _, _ = strings.Cut(strings.TrimPrefix(t, "list<"), ">")
	t = constraints[strings.TrimSuffix(t, "?")]
	if strings.HasPrefix(field, "list<") || strings.HasPrefix(field, "map<") {
		t += "@items(0, 3) "
	}
	return t
}

// field returns a type and a name, and perhaps a default. before are structs that may stand in it by value.
func (d *definition) field(name string, before []string) string {
	switch d.IntN(6) {
	case 0:
		return "list<" + d.one(d.structs) + "> " + name
	case 1:
		return "map<" + []string{"string", "int", "bool", "ulong"}[d.IntN(4)] + ", " + d.one(d.structs) + "> " + name
	case 2:
		return d.one(d.structs) + "? " + name
	case 3:
		t := simple[d.IntN(len(simple))]
		if v := defaults[t]; v != "" {
			return t + " " + name + " = " + v
		}
		return t + " " + name
	case 4:
		return d.enums[0] + " " + name + " = ONE"
	}
	return d.one(before) + " " + name
}

// one returns a type that is no list or map. Of the file's structs it takes those given alone.
func (d *definition) one(structs []string) string {
	switch n := d.IntN(10); {
	case n < 3 && len(structs) > 0:
		return structs[d.IntN(len(structs))]
	case n == 3:
		return d.enums[d.IntN(2)]
	case n == 4:
		return d.types[len(d.types)-1] // a union
	case n < 7 && len(d.imports) > 0:
		other := d.imports[d.IntN(len(d.imports))]
		return other.pkg + "." + other.types[d.IntN(len(other.types))]
	}
	return simple[d.IntN(len(simple))]
}

func (d *definition) methods() {
	for _, name := range d.pick(hostileNames, 6) {
		annotation := []string{"", "@idempotent ", "@timeout(90s) ", `@deprecated("gone") `}[d.IntN(4)]
		result := "void"
		if stream := d.IntN(3) == 0; stream {
			result = "stream " + d.one(d.structs)
		} else if d.IntN(4) > 0 {
			result = d.one(d.structs)
		}
		var params []string
		for i, p := range d.pick(hostileNames, d.IntN(5)) {
			field := d.field(p, d.structs)
			params = append(params, fmt.Sprintf("%s%d: %s", constraintsOf(field), i+1, field))
		}
		if d.IntN(3) == 0 {
			field := d.one(d.structs)
			params = append(params, fmt.Sprintf("%s%d: stream %s elements", constraintsOf(field), len(params)+1, field))
		}
		both := fmt.Sprintf(" => %s, Implied%d", d.exceptions[1], d.number)
		throws := []string{"", " => " + d.exceptions[0], both}[d.IntN(3)]
		fmt.Fprintf(&d.b, "  %s%s %s(%s)%s\n", annotation, result, name, strings.Join(params, ", "), throws)
	}
}
