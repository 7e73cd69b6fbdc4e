// Package golang turns a definition into Go: one file beside it, which looks typed by hand and imports nothing but
// packages rpc and wire, the standard library, and what was generated from imported definitions.
//
// [Generate] makes the file; [Package] and [ImportPath] say where other files find it.
package golang

import (
	"bytes"
	"fmt"
	"go/format"
	"go/token"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// Options are what a definition does not say.
type Options struct {
	// ImportPath returns the import path of the package in a directory, which is given as in the paths of the files.
	// Nil is the function of that name in this package.
	ImportPath func(dir string) (string, error)

	// Beside are the other definitions of the file's directory, which are the same Go package: a name that one of
	// them declares too is an error.
	Beside []*schema.File
}

// Generate returns the Go file of a checked definition, formatted as gofmt does. It fails where an imported
// definition's directory has no import path.
func Generate(f *schema.File, o Options) ([]byte, error) {
	if o.ImportPath == nil {
		o.ImportPath = ImportPath
	}
	if err := besides(f, o.Beside); err != nil {
		return nil, err
	}
	g := &generator{file: f, options: o, names: nameFile(f), alias: map[string]string{}}
	g.p("// The runtime must be of version 1 for this file.")
	g.p("const _ = %s.IsVersion1", g.use(rpcPath))
	for _, s := range f.Services {
		g.service(s)
	}
	g.declarations()
	for _, s := range f.Services {
		for _, m := range s.Methods {
			g.method(m)
		}
	}
	g.patterns()
	if g.err != nil {
		return nil, fmt.Errorf("%s: %w", f.Path, g.err)
	}
	text := append(g.head(), g.body.Bytes()...)
	out, err := format.Source(text)
	if err != nil {
		return nil, fmt.Errorf("%s: the generated code is no Go, which is a bug of the generator: %w\n%s", f.Path, err,
			text)
	}
	return out, nil
}

// FileName returns the path of the Go file for a definition: "calc/divide.go" for "calc/divide.yodel". Where go build
// would leave a file of that name out, for a test or another system, it is "calc/divide_test_yodel.go".
func FileName(definition string) string {
	dir, base := path.Split(strings.TrimSuffix(definition, ".yodel"))
	parts := strings.Split(base, "_")
	if last := parts[len(parts)-1]; len(parts) > 1 && (last == "test" || slices.Contains(systems, last)) {
		base += "_yodel"
	}
	if strings.HasPrefix(base, "_") || strings.HasPrefix(base, ".") {
		base = "yodel" + base
	}
	return dir + base + ".go"
}

// systems are the words that keep a file from being built elsewhere, if they end its name behind an underscore.
var systems = strings.Fields(`aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9
	solaris wasip1 windows zos 386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32
	mips64p32le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm`)

// Package returns the name of the Go package that is generated from f: "calc" for acme.calc.
func Package(f *schema.File) string {
	return f.Package[strings.LastIndexByte(f.Package, '.')+1:]
}

// Names returns the names that the generated Go declares at its top, by what they are: "the option limit of
// Users.get". They depend on each other, so that a new name can change that of something else.
func Names(f *schema.File) map[string]string {
	byWhat := map[string]string{}
	for name, what := range nameFile(f).declares {
		if token.IsExported(name) {
			byWhat[what] = name
		}
	}
	for _, s := range f.Structs {
		if !hasDefaults(s.Fields) {
			delete(byWhat, "the constructor of the struct "+s.Name)
		}
	}
	for _, x := range f.Exceptions {
		if !hasDefaults(x.Fields) {
			delete(byWhat, "the constructor of the exception "+x.Name)
		}
	}
	return byWhat
}

// besides reports the names that f and another file of its directory would both declare. There are few: names of types
// are the checker's, and what comes of methods begins with the name of the service in all files but one.
func besides(f *schema.File, others []*schema.File) error {
	declares := nameFile(f).declares
	for _, other := range others {
		if other.Path == f.Path || Package(other) != Package(f) {
			continue
		}
		theirs := nameFile(other).declares
		for _, name := range slices.Sorted(maps.Keys(declares)) {
			if theirs[name] != "" {
				return fmt.Errorf("%s: %s and %s in %s would both be %s in the generated Go; rename one of them",
					f.Path, declares[name], theirs[name], other.Path, name)
			}
		}
	}
	return nil
}

// A generator writes one file.
type generator struct {
	file    *schema.File
	options Options
	names   *names
	body    bytes.Buffer
	imports []string          // paths
	alias   map[string]string // by path, of packages whose own name another one has
	err     error             // the first one
}

// p writes a line. An empty format writes an empty line.
func (g *generator) p(format string, args ...any) {
	fmt.Fprintf(&g.body, format+"\n", args...)
}

// doc writes documentation, if there is any, and why its subject is deprecated, if it is.
func (g *generator) doc(text, deprecated string) {
	var paragraphs []string
	if text != "" {
		paragraphs = append(paragraphs, text)
	}
	if deprecated != "" {
		paragraphs = append(paragraphs, "Deprecated: "+deprecated)
	}
	if len(paragraphs) > 0 {
		g.comment(strings.Join(paragraphs, "\n\n"))
	}
}

func (g *generator) comment(text string) {
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		g.p("%s", strings.TrimRight("// "+line, " \t\r"))
	}
}

func (g *generator) declarations() {
	for _, x := range g.file.Exceptions {
		g.exception(x)
	}
	for _, e := range g.file.Enums {
		g.enum(e)
	}
	for _, s := range g.file.Structs {
		g.structure(s)
	}
	for _, u := range g.file.Unions {
		g.union(u)
	}
}

// head returns what stands above the body.
func (g *generator) head() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by yodel from %s. DO NOT EDIT.\n\n", path.Base(g.file.Path))
	for line := range strings.Lines(g.file.Doc) {
		b.WriteString(strings.TrimRight("// "+line, " \t\r\n") + "\n")
	}
	fmt.Fprintf(&b, "package %s\n\nimport (\n", Package(g.file))
	slices.Sort(g.imports)
	own := slices.DeleteFunc(slices.Clone(g.imports), isStandard)
	for _, p := range slices.DeleteFunc(g.imports, func(p string) bool { return !isStandard(p) }) {
		fmt.Fprintf(&b, "%q\n", p)
	}
	b.WriteString("\n")
	for _, p := range own {
		fmt.Fprintf(&b, "%s %q\n", g.alias[p], p)
	}
	b.WriteString(")\n\n")
	return b.Bytes()
}

// standard are the packages of the standard library that generated code may import.
var standard = []string{"cmp", "context", "fmt", "iter", "log/slog", "math", "regexp", "strconv", "time"}

func isStandard(importPath string) bool { return slices.Contains(standard, importPath) }

const (
	rpcPath  = "github.com/yodelrpc/yodel/rpc"
	wirePath = "github.com/yodelrpc/yodel/wire"
)

// use notes that the file imports a package of the standard library or the runtime, and returns the package's name.
func (g *generator) use(importPath string) string {
	if !slices.Contains(g.imports, importPath) {
		g.imports = append(g.imports, importPath)
	}
	return path.Base(importPath)
}

// in returns what goes in front of a name of f: nothing, or the name of its package, which is imported then.
func (g *generator) in(f *schema.File) string {
	dir := path.Dir(f.Path)
	if dir == path.Dir(g.file.Path) {
		return ""
	}
	importPath, err := g.options.ImportPath(dir)
	if err != nil && g.err == nil {
		g.err = fmt.Errorf("import %q: %w", f.Path, err)
	}
	g.use(importPath)
	name := g.names.packages[dir]
	if name != Package(f) {
		g.alias[importPath] = name
	}
	return name + "."
}
