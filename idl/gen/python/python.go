// Package python generates Python from a definition: one module a file, for Python 3.9 and up, with the file's types,
// its clients and services, and what they need to speak the basic, the line and the mux protocol. A module imports the
// standard library alone; one whose definition imports others takes what it needs from the first of their modules, so
// that all of them share it.
//
// [Generate] gives the module's text and [FileName] its name. The files of the folder runtime are parts of every module
// that imports no other; they are Python that stands on its own once it is put together.
package python

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// Generate returns the module for a file. It fails for a file without a path, since modules are named for it.
func Generate(file *schema.File) ([]byte, error) {
	if file.Path == "" {
		return nil, errors.New("a definition without a path has no module name; set the path of the file")
	}
	if err := checkImports(file); err != nil {
		return nil, err
	}
	m := newModule(file)
	m.types()
	for _, s := range file.Services {
		m.service(s)
	}
	m.runtime()
	m.tables()
	var out bytes.Buffer
	out.WriteString(m.header())
	out.Write(m.out.Bytes())
	return out.Bytes(), nil
}

// FileName returns the path of the module for a definition: "calc/divide.py" for "calc/divide.yodel", and
// "calc/json_yodel.py" where the shorter name would hide a module of the standard library.
func FileName(definition string) string {
	return path.Join(path.Dir(definition), moduleName(definition)+".py")
}

// moduleName returns the name by which Python imports the module for a definition.
func moduleName(definition string) string {
	base := strings.TrimSuffix(path.Base(definition), ".yodel")
	name := strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, base)
	if name != "" && name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	if standardModules[name] || keywords[name] {
		return name + "_yodel"
	}
	return name
}

// A module is one module in the making.
type module struct {
	file  *schema.File
	names *names
	out   bytes.Buffer
	used  map[string]bool // names that the module imports for its own part

	declared map[*schema.Struct]bool // those whose class is written already
}

func newModule(file *schema.File) *module {
	return &module{file: file, names: namesOf(file), used: make(map[string]bool),
		declared: make(map[*schema.Struct]bool)}
}

// use notes that the module needs an imported name, and returns it.
func (m *module) use(name string) string {
	m.used[name] = true
	return name
}

func (m *module) printf(format string, args ...any) { fmt.Fprintf(&m.out, format, args...) }

// lines writes head, the items and tail: on one line where they fit, else one item a line.
func (m *module) lines(indent, head string, items []string, tail string) {
	m.out.WriteString(joined(indent, head, items, tail))
}

// joined returns what lines writes. Items may span lines; they begin at the indent of the first.
func joined(indent, head string, items []string, tail string) string {
	if line := indent + head + strings.Join(items, ", ") + tail; len(line) <= width && !strings.Contains(line, "\n") {
		return line + "\n"
	}
	var b strings.Builder
	b.WriteString(indent + head + "\n")
	for _, item := range items {
		b.WriteString(indent + "    " + strings.ReplaceAll(item, "\n", "\n"+indent+"    ") + ",\n")
	}
	b.WriteString(indent + tail + "\n")
	return b.String()
}

// inline returns what joined does for an item that will stand at an indent with a comma behind it, without both.
func inline(indent, head string, items []string, tail string) string {
	text := strings.TrimSuffix(joined(indent, head, items, tail+","), ",\n")
	return strings.ReplaceAll(strings.TrimPrefix(text, indent), "\n"+indent, "\n")
}

// width is how long lines get, as PEP 8 has it.
const width = 79
