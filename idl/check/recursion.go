package check

import (
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// checkRecursion reports structs that hold themselves by value, so that no value of them would ever end. Imports are
// checked already, and cannot refer to this file.
func (f *file) checkRecursion() {
	w := &walk{file: f, done: map[*schema.Struct]bool{}, open: map[*schema.Struct]int{}}
	for _, s := range f.schema.Structs {
		w.visit(s)
	}
}

// A walk goes through structs along the fields that hold one by value.
type walk struct {
	*file
	done map[*schema.Struct]bool
	open map[*schema.Struct]int // to its place in path, from 1
	path []string
}

func (w *walk) visit(s *schema.Struct) {
	if w.done[s] || s.File != w.schema {
		return
	}
	w.path = append(w.path, s.Name)
	w.open[s] = len(w.path)
	for _, field := range s.Fields {
		t := field.Type
		if t == nil || t.Kind != schema.StructType || t.Optional {
			continue
		}
		if at := w.open[t.Struct]; at > 0 && w.diags.Full() {
			return
		} else if at > 0 {
			w.report(w.places[field], fmt.Sprintf("%s holds itself without end: %s",
				t.Struct.Name, circle(append(w.path[at-1:len(w.path):len(w.path)], t.Struct.Name))),
				fmt.Sprintf("make the field optional: %s? %s", t.Struct.Name, field.Name))
			continue
		}
		w.visit(t.Struct)
	}
	w.open[s] = 0
	w.path = w.path[:len(w.path)-1]
	w.done[s] = true
}

// circle joins the names of structs, at most a few of them.
func circle(names []string) string {
	if len(names) > 6 {
		names = append(append([]string{}, names[:3]...), append([]string{"..."}, names[len(names)-2:]...)...)
	}
	return strings.Join(names, " holds ")
}
