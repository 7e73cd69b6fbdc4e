package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
)

// mask stands for what is sensitive.
const mask = "***"

// maxText is the length of the text, in bytes, after which String leaves off the rest.
const maxText = 1024

var errTextFull = errors.New("the text is long enough")

// String returns m in one line for people and logs: as in JSON, with *** in place of sensitive fields, whether they are
// set or not. What goes beyond 1 KiB, or cannot be written, is left off, and the text then ends with "…".
func String(m Message) string { return Mask(m).String() }

// A Masked is a message, or the member of a union, as people and logs may see it: with *** in place of what is
// sensitive. It is what [String] returns for every verb of package fmt, and JSON for encoding/json. Generated code that
// holds something sensitive shows itself as one.
type Masked struct {
	t *Type
	v reflect.Value
}

// Mask returns m to be shown. It does not copy m.
func Mask(m Message) Masked { return Masked{TypeOf(m), ValueOf(m)} }

// MaskMember returns a member of the union U to be shown, as the union that holds it.
func MaskMember[U any](member U) Masked {
	return Masked{typeOf(reflect.TypeFor[U]()), reflect.ValueOf(&member).Elem()}
}

// String returns what [String] returns.
func (m Masked) String() string {
	text, whole := m.text()
	if whole {
		return string(text)
	}
	return strings.ToValidUTF8(string(text), "") + "…"
}

// text returns up to maxText bytes of m in JSON, and whether that is all of it.
func (m Masked) text() (text []byte, whole bool) {
	w := jsonWriter{log: true}
	err := w.fields(m.t, m.v)
	return w.b[:min(len(w.b), maxText)], err == nil && len(w.b) <= maxText
}

// Format implements [fmt.Formatter], since fmt asks for String only where a verb is one of strings, and shows the
// fields themselves for %d. For %v, %+v and %#v it writes the text, for any other verb what fmt makes of the text as a
// string.
func (m Masked) Format(s fmt.State, verb rune) { formatText(s, verb, m.String()) }

// FormatError is Format for an exception, which is shown as its Error method says, but with %+v and %#v as its fields.
func (m Masked) FormatError(s fmt.State, verb rune, text string) {
	if verb == 'v' && (s.Flag('+') || s.Flag('#')) {
		text = m.String()
	}
	formatText(s, verb, text)
}

func formatText(s fmt.State, verb rune, text string) {
	if verb != 'v' {
		_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), text)
		return
	}
	format := "%"
	if s.Flag('-') {
		format += "-"
	}
	if width, ok := s.Width(); ok {
		format += strconv.Itoa(width)
	}
	_, _ = fmt.Fprintf(s, format+"s", text)
}

// MarshalJSON returns what String does, as an object where it is whole, else as a string.
func (m Masked) MarshalJSON() ([]byte, error) {
	if text, whole := m.text(); whole {
		return text, nil
	}
	return AppendJSONString(nil, m.String()), nil
}

// LogValue returns m for package slog, whose JSON handler writes it as an object.
func (m Masked) LogValue() slog.Value { return slog.AnyValue(masked{m}) }

// masked is a Masked without LogValue, which would be asked again and again.
type masked struct{ m Masked }

func (m masked) String() string                { return m.m.String() }
func (m masked) Format(s fmt.State, verb rune) { m.m.Format(s, verb) }
func (m masked) MarshalJSON() ([]byte, error)  { return m.m.MarshalJSON() }

var _ json.Marshaler = masked{}

// RefuseJSON is the MarshalJSON of what holds something sensitive: an error. Loggers that write JSON give encoding/json
// whatever they do not know, such as a list of messages or a struct with one in it, so that JSON with the data would
// show it there, and JSON with *** in its place would be stored by those who store JSON.
func (m Masked) RefuseJSON() ([]byte, error) {
	return nil, fmt.Errorf(
		"%s holds @sensitive fields: use wire.MarshalJSON(&v) for JSON with the data, wire.Mask(&v) for "+
			"JSON with *** in its place", m.t.Name)
}

// Sensitive reports whether a field of t is sensitive, or one of what its fields hold, at any depth.
func (t *Type) Sensitive() bool {
	return t.any(func(t *Type) *atomic.Int32 { return &t.sensitive }, func(f *Field) bool { return f.Sensitive })
}

// any reports whether has holds for a field of t, or one of what its fields hold, at any depth. What it finds stays in
// known.
func (t *Type) any(known func(*Type) *atomic.Int32, has func(*Field) bool) bool {
	const unknown, no, yes = 0, 1, 2
	if known(t).Load() == unknown {
		found := int32(no)
		if t.find(has, make(map[*Type]bool)) {
			found = yes
		}
		known(t).Store(found)
	}
	return known(t).Load() == yes
}

func (t *Type) find(has func(*Field) bool, seen map[*Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	for i := range t.Fields {
		f := &t.Fields[i]
		if has(f) {
			return true
		}
		for v := &f.ValueType; v != nil; v = v.Elem {
			if v.Type != nil && v.Type.find(has, seen) {
				return true
			}
		}
	}
	return false
}
