package wire_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/internal/everything/common"
	"github.com/yodelrpc/yodel/wire"
)

// full returns a message with something of each kind in it.
func full() *everything.Node {
	n := everything.NewNode()
	n.Defaults.Token = []byte("token")
	n.Left = &everything.Node{Label: "left", Value: everything.ValueBlob{Blob: []byte("blob")}}
	n.Children = []everything.Node{{Label: "child", Right: &everything.Node{Label: "deep"}}}
	n.Value = everything.ValueNode{Node: everything.Node{Children: []everything.Node{{Label: "in the union"}}}}
	return &n
}

// shared returns the place of something changeable that both values hold, or "".
func shared(a, b reflect.Value, place string) string {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() {
			return ""
		}
		if a.Pointer() == b.Pointer() {
			return place
		}
		return shared(a.Elem(), b.Elem(), place)
	case reflect.Interface:
		if a.IsNil() {
			return ""
		}
		return shared(a.Elem(), b.Elem(), place)
	case reflect.Slice, reflect.Map:
		if a.Len() > 0 && a.Pointer() == b.Pointer() {
			return place
		}
		if a.Kind() == reflect.Map {
			for _, k := range a.MapKeys() {
				if at := shared(a.MapIndex(k), b.MapIndex(k), place+"[]"); at != "" {
					return at
				}
			}
			return ""
		}
		for i := range a.Len() {
			if at := shared(a.Index(i), b.Index(i), place+"[]"); at != "" {
				return at
			}
		}
	case reflect.Struct:
		if a.Type() == reflect.TypeFor[time.Time]() {
			return "" // whose location nobody changes
		}
		for i := range a.NumField() {
			if at := shared(a.Field(i), b.Field(i), place+"."+a.Type().Field(i).Name); at != "" {
				return at
			}
		}
	}
	return ""
}

func TestCopySharesNothing(t *testing.T) {
	t.Parallel()
	seen, text, token := time.Unix(1, 2), "text", []byte("token")
	circle := everything.NewDefaults()
	for _, m := range []wire.Message{
		full(),
		&everything.Scalars{Token: []byte{1}, Seen: seen, Name: "\xff"}, // which no encoder takes
		&everything.Optionals{Name: &text, Token: &token, Seen: &seen, Defaults: &circle,
			Next: &everything.Optionals{Token: &token}},
		&everything.Lists{Token: [][]byte{token, nil}, Seen: []time.Time{seen}, Name: []string{},
			Lists: []everything.Lists{{Small: []int32{1, 2}}}},
		&everything.Maps{Token: map[string][]byte{"k": token}, Large: map[bool]int64{true: 1},
			Maps:   map[string]everything.Maps{"m": {Name: map[string]string{"a": "b"}}},
			Shapes: map[string]common.Shape{"none": nil}},
		&everything.InvalidOperation{Details: []string{"a"}},
	} {
		c := wire.New(m)
		if err := wire.Copy(c, m); err != nil {
			t.Errorf("%T: %v", m, err)
			continue
		}
		if !reflect.DeepEqual(c, m) {
			t.Errorf("%T: %+v was copied as %+v", m, m, c)
		}
		if at := shared(reflect.ValueOf(c), reflect.ValueOf(m), ""); at != "" {
			t.Errorf("%T: copy and original share %s", m, at)
		}
	}
}

func TestCopyReplacesAll(t *testing.T) {
	t.Parallel()
	to := full()
	if err := wire.Copy(to, new(everything.Node)); err != nil || !reflect.DeepEqual(to, new(everything.Node)) {
		t.Errorf("something is left: %+v, %v", to, err)
	}
}

// Between types that differ a copy goes by the wire format, and is refused as that refuses.
func TestCopyOfAnotherType(t *testing.T) {
	t.Parallel()
	type same = struct{ everything.Scalars } // whose promoted methods make it a message of its own type
	from := &same{everything.Scalars{Name: "anna", Token: []byte{1}}}
	var to everything.Scalars
	if err := wire.Copy(&to, from); err != nil || to.Name != "anna" || &to.Token[0] == &from.Token[0] {
		t.Errorf("got %+v, %v", to, err)
	}
	from.Name = "\xff"
	if err := wire.Copy(&to, from); err == nil || !strings.Contains(err.Error(), "UTF-8") {
		t.Errorf("a string that is not UTF-8: %v", err)
	}
	if err := wire.Copy(&to, &wire.JSONText{Text: []byte("{}")}); err == nil {
		t.Error("JSON without a definition was copied")
	}
}

// A hidden shares bytes that package wire cannot reach.
type hidden struct{ data []byte }

func (h *hidden) Reset()                     { *h = hidden{} }
func (h *hidden) EncodeWire(e *wire.Encoder) { e.PutBytes(1, h.data) }
func (h *hidden) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		d.Bytes(1, &h.data)
	}
}

func TestCopyOfHiddenFields(t *testing.T) {
	t.Parallel()
	from, to := &hidden{[]byte("abc")}, new(hidden)
	if err := wire.Copy(to, from); err != nil || !bytes.Equal(to.data, from.data) || &to.data[0] == &from.data[0] {
		t.Errorf("got %q, %v, or the same bytes", to.data, err)
	}
}

func TestCopyOfWhatContainsItself(t *testing.T) {
	t.Parallel()
	n := everything.NewNode()
	n.Left = &n
	to := everything.NewNode()
	if err := wire.Copy(&to, &n); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Errorf("a node in itself: %v", err)
	}
	deep := everything.NewNode()
	for range wire.MaxDepth {
		child := deep
		deep = everything.NewNode()
		deep.Children = []everything.Node{child}
	}
	if err := wire.Copy(&to, &deep); err != nil || !reflect.DeepEqual(to, deep) {
		t.Errorf("messages as deep as an encoder takes: %v", err)
	}
}

func BenchmarkCopy(b *testing.B) {
	from, to := full(), new(everything.Node)
	b.ReportAllocs()
	for b.Loop() {
		if err := wire.Copy(to, from); err != nil {
			b.Fatal(err)
		}
	}
}
