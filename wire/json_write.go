package wire

import (
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
)

// MarshalJSON returns m in protobuf's JSON format: see [AppendJSON].
func MarshalJSON(m Message) ([]byte, error) { return AppendJSON(nil, m) }

// AppendJSON appends m in protobuf's JSON format to b: an object with the fields that do not equal their defaults, in
// ascending order of number, named in lowerCamelCase. 64-bit integers are strings, bytes are base64, enums are names,
// and numbers where they have none. A union is an object with one member. It fails where a string is not valid UTF-8, a
// timestamp is outside the years 1 to 9999, or messages stand more than [MaxDepth] deep in one another. Errors are of
// type [*JSONError].
func AppendJSON(b []byte, m Message) ([]byte, error) {
	if t, ok := m.(*JSONText); ok {
		return t.appendJSON(b)
	}
	w := jsonWriter{b: b}
	err := w.fields(TypeOf(m), ValueOf(m))
	return w.b, err
}

// AppendFullJSON is AppendJSON with all fields, those in the structs of m as well; what is absent is null. It is for
// readers that do not know the defaults.
func AppendFullJSON(b []byte, m Message) ([]byte, error) {
	w := jsonWriter{b: b, full: true}
	err := w.fields(TypeOf(m), ValueOf(m))
	return w.b, err
}

// A jsonWriter appends messages to b by their types.
type jsonWriter struct {
	b     []byte
	depth int
	full  bool // fields that equal their defaults too
	log   bool // for people: what is sensitive is masked, and an error ends the text, as do maxText bytes

	sensitive bool // the value being written is not for errors
}

// fields appends the message or union v as an object.
func (w *jsonWriter) fields(t *Type, v reflect.Value) error {
	if err := t.Stray(v); err != nil {
		return err
	}
	w.b = append(w.b, '{')
	start := len(w.b)
	for i := range t.Fields {
		f := &t.Fields[i]
		x, write := f.Get(v)
		if !write && (t.Union || !w.full && !w.masks(f)) {
			continue
		}
		w.separate(start)
		w.b = append(append(append(w.b, '"'), f.JSONName...), '"', ':')
		if err := w.field(f, x, write); err != nil {
			return atField(err, f.Name)
		}
	}
	w.b = append(w.b, '}')
	return nil
}

// masks reports whether f is shown to people as *** or as a struct with *** in it. It is shown even if it equals its
// default, for that it is not shown would say so.
func (w *jsonWriter) masks(f *Field) bool {
	return w.log && (f.Sensitive || f.Kind == KindStruct && !f.Optional && f.Type.Sensitive())
}

// separate appends a comma unless b ends at start.
func (w *jsonWriter) separate(start int) {
	if len(w.b) > start {
		w.b = append(w.b, ',')
	}
}

func (w *jsonWriter) field(f *Field, v reflect.Value, write bool) error {
	switch {
	case w.log && f.Sensitive:
		w.b = append(w.b, `"`+mask+`"`...)
		return nil
	case !write && isAbsent(f, v):
		w.b = append(w.b, "null"...)
		return nil
	}
	outer := w.sensitive
	w.sensitive = outer || f.Sensitive
	err := w.value(&f.ValueType, v)
	w.sensitive = outer
	return err
}

// shown returns text for an error.
func (w *jsonWriter) shown(text string) string {
	if w.sensitive {
		return mask
	}
	return text
}

// isAbsent reports whether v, which equals its default, is nothing at all rather than a value.
func isAbsent(f *Field, v reflect.Value) bool {
	switch {
	case f.Optional || f.Kind == KindUnion:
		return true
	case f.Kind == KindTimestamp:
		return TimeOf(v).IsZero()
	}
	return false
}

// value appends one value of type t.
func (w *jsonWriter) value(t *ValueType, v reflect.Value) error {
	if w.log && len(w.b) > maxText {
		return errTextFull
	}
	switch t.Kind {
	case KindList:
		return w.list(t, v)
	case KindMap:
		return w.entries(t, v)
	case KindStruct, KindUnion:
		return w.message(t, v)
	case KindString:
		return w.string(v.String())
	case KindTimestamp:
		return w.timestamp(TimeOf(v))
	default:
		w.b = appendScalar(w.b, t, v)
		return nil
	}
}

func (w *jsonWriter) message(t *ValueType, v reflect.Value) error {
	if w.depth == MaxDepth {
		return errTooDeep()
	}
	w.depth++
	err := w.fields(t.Type, v)
	w.depth--
	return err
}

func (w *jsonWriter) list(t *ValueType, v reflect.Value) error {
	w.b = append(w.b, '[')
	start := len(w.b)
	for i := range v.Len() {
		w.separate(start)
		if err := w.value(t.Elem, v.Index(i)); err != nil {
			return atIndex(err, i)
		}
	}
	w.b = append(w.b, ']')
	return nil
}

func (w *jsonWriter) entries(t *ValueType, v reflect.Value) error {
	w.b = append(w.b, '{')
	start := len(w.b)
	for _, key := range SortedKeys(v) {
		w.separate(start)
		if err := w.key(t.Key.Kind, key); err != nil {
			return atKey(err, w.shown(key.String()))
		}
		w.b = append(w.b, ':')
		if err := w.value(t.Elem, v.MapIndex(key)); err != nil {
			return atKey(err, w.shown(keyText(key)))
		}
	}
	w.b = append(w.b, '}')
	return nil
}

func (w *jsonWriter) key(k Kind, key reflect.Value) error {
	if k == KindString {
		return w.string(key.String())
	}
	w.b = append(append(append(w.b, '"'), keyText(key)...), '"')
	return nil
}

// keyText returns a map's key as it stands in quotes.
func keyText(key reflect.Value) string {
	switch {
	case key.CanInt():
		return strconv.FormatInt(key.Int(), 10)
	case key.CanUint():
		return strconv.FormatUint(key.Uint(), 10)
	case key.Kind() == reflect.Bool:
		return strconv.FormatBool(key.Bool())
	}
	return key.String()
}

const notUTF8 = "the string is not valid UTF-8; declare it as bytes"

func (w *jsonWriter) string(s string) error {
	switch {
	case w.log:
		s = s[:min(len(s), maxText)]
	case !utf8.ValidString(s):
		return jsonErrorf(notUTF8)
	}
	w.b = AppendJSONString(w.b, s)
	return nil
}

func (w *jsonWriter) timestamp(t time.Time) error {
	t = t.UTC()
	if !IsTimestamp(t) {
		return jsonErrorf("the year %s is outside 1 to 9999", w.shown(strconv.Itoa(t.Year())))
	}
	w.b = t.AppendFormat(append(w.b, '"'), "2006-01-02T15:04:05")
	w.b = append(appendNanoseconds(w.b, t.Nanosecond()), 'Z', '"')
	return nil
}
