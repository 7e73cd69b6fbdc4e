package wire

import (
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/internal/nearest"
)

// unknown returns the error that t has nothing of the given name, with what it has instead. The outermost message of a
// strict reader is the arguments of a call.
func (r *jsonReader) unknown(t *Type, name string) error {
	what := "field of " + t.Name
	switch {
	case r.depth == 0:
		what = "argument"
	case t.Union:
		what = "member of " + t.Name
	}
	if r.sensitive {
		return atField(jsonErrorf("unknown %s", what), mask)
	}
	return atName(jsonErrorf("unknown %s; %s", what, t.instead(name)), name)
}

// atName is atField for a name that a peer invented: what is no name of a definition is quoted, and cut.
func atName(err error, name string) error {
	if len(name) > 64 || name == "" || strings.Trim(name, nameLetters) != "" {
		return atKey(err, name)
	}
	return atField(err, name)
}

const nameLetters = "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// instead says what to write in place of the unknown name: the field that it is most like, or those that there are.
func (t *Type) instead(name string) string {
	if f := t.nearest(name); f != nil {
		return fmt.Sprintf("did you mean %q?", f.Name)
	}
	const most = 8
	var names []string
	for i := range t.Fields[:min(len(t.Fields), most)] {
		names = append(names, fmt.Sprintf("%q", t.Fields[i].Name))
	}
	switch more := len(t.Fields) - most; {
	case more > 0:
		return fmt.Sprintf("there are %s and %d more", strings.Join(names, ", "), more)
	case len(names) == 0:
		return "there is none"
	case len(names) == 1:
		return "there is " + names[0]
	}
	last := len(names) - 1
	return "there are " + strings.Join(names[:last], ", ") + " and " + names[last]
}

// nearest returns the field whose name differs least from name, or nil if none is near: at most a third of its letters
// differ. Case and underscores do not count.
func (t *Type) nearest(name string) *Field {
	if len(name) > 64 {
		return nil
	}
	var best *Field
	name, least := plainName(name), 0
	for i := range t.Fields {
		f := &t.Fields[i]
		known := plainName(f.Name)
		most := max(len(known), 3) / 3
		if len(known)-len(name) > most || len(name)-len(known) > most { // strangers may ask often: this costs little
			continue
		}
		if n := nearest.Distance(known, name); n <= most && (best == nil || n < least) {
			best, least = f, n
		}
	}
	return best
}

func plainName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
