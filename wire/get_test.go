package wire_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/internal/secrets"
	"github.com/yodelrpc/yodel/wire"
)

func wantField[T comparable](t *testing.T, m wire.Message, name string, want T, wantOK bool) {
	t.Helper()
	if got, ok := wire.Get[T](m, name); got != want || ok != wantOK {
		t.Errorf("Get[%T] of %s: %v, %v; want %v, %v", want, name, got, ok, want, wantOK)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	m := &everything.Scalars{
		Truth: true, Small: -7, Hash: 9, Name: "zoë", Token: []byte("t"), Seen: time.Unix(1, 0), Lasted: time.Second,
		Rounding: everything.RoundingDown,
	}
	wantField(t, m, "truth", true, true)
	wantField(t, m, "small", int32(-7), true)
	wantField(t, m, "small", int64(0), false)
	wantField(t, m, "hash", uint64(9), true)
	wantField(t, m, "name", "zoë", true)
	wantField(t, m, "nobody", "", false)
	wantField(t, m, "seen", time.Unix(1, 0), true)
	wantField(t, m, "lasted", time.Second, true)
	wantField(t, m, "rounding", everything.RoundingDown, true)
	wantField(t, m, "rounding", "DOWN", true)
	wantField(t, m, "rounding", int32(1), true)
	wantField[any](t, m, "rounding", "DOWN", true)
	wantField[any](t, m, "small", int32(-7), true)
	wantField[any](t, m, "nobody", nil, false)
	if b, ok := wire.Get[[]byte](m, "token"); string(b) != "t" || !ok {
		t.Errorf("token: %q, %v", b, ok)
	}
	wantField(t, &everything.Optionals{Small: new(int32(0))}, "small", int32(0), true)
	wantField(t, &everything.Optionals{}, "small", int32(0), false)
	wantField[any](t, &everything.Optionals{}, "shape", nil, false)

	n := &everything.Node{Left: &everything.Node{Label: "left"}, Children: make([]everything.Node, 2)}
	left, ok := wire.Get[wire.Message](n, "left")
	if !ok || left != wire.Message(n.Left) {
		t.Errorf("left: %v, %v", left, ok)
	}
	wantField(t, left, "label", "left", true)
	wantField(t, n, "left", n.Left, true)
	if children, ok := wire.Get[[]everything.Node](n, "children"); len(children) != 2 || !ok {
		t.Errorf("children: %v, %v", children, ok)
	}
	wantField(t, &wire.JSONText{}, "text", "", false) // of which nobody knows the fields
}

func TestGetDoesNotAllocate(t *testing.T) {
	m := &everything.Scalars{Small: 1000, Name: "zoë", Rounding: everything.RoundingDown}
	if n := testing.AllocsPerRun(100, func() {
		_, _ = wire.Get[int32](m, "small")
		_, _ = wire.Get[string](m, "name")
		_, _ = wire.Get[int32](m, "rounding")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	var names []string
	for name := range wire.All(&everything.Scalars{}) {
		names = append(names, name)
	}
	want := strings.Fields("truth small large count hash ratio score name token seen lasted rounding")
	if !slices.Equal(names, want) {
		t.Errorf("got %v", names)
	}
	all := maps.Collect(wire.All(&everything.Node{Label: "n"}))
	if all["label"] != "n" || all["left"] != nil {
		t.Errorf("got %v", all)
	}
	for name := range wire.All(&wire.JSONText{Text: []byte("{}")}) {
		t.Errorf("a text has a field %s", name)
	}
}

// What is sensitive is masked at every depth, and the rest is there.
func TestMaskedAll(t *testing.T) {
	t.Parallel()
	plain := maps.Collect(wire.Mask(&everything.Scalars{Small: 5, Rounding: everything.RoundingDown}).All())
	if plain["small"] != int32(5) || plain["rounding"] != "DOWN" {
		t.Errorf("got %v", plain)
	}
	inner := secrets.Fields{Text: "hidden"}
	m := &secrets.Holder{
		Fields: inner, List: []secrets.Fields{inner}, ByName: map[string]secrets.Fields{"k": inner}, Maybe: &inner,
	}
	for name, v := range wire.Mask(m).All() {
		if strings.Contains(fmt.Sprintf("%v %#v", v, v), "hidden") {
			t.Errorf("%s shows %v", name, v)
		}
	}
	list := maps.Collect(wire.Mask(m).All())["list"]
	if text, ok := list.(string); !ok || !strings.Contains(text, "***") {
		t.Errorf("the list is %v", list)
	}
	for name, v := range wire.Mask(&secrets.Denied{Message: "no", Token: "hidden"}).All() {
		if name == "token" && v != "***" || name == "message" && v != "no" {
			t.Errorf("%s is %v", name, v)
		}
	}
}

func TestNewAndMove(t *testing.T) {
	t.Parallel()
	from := &everything.Scalars{Small: 5, Token: []byte("t")}
	to := wire.New(from)
	wantField(t, to, "small", int32(0), true)
	wire.Move(to, from)
	wantField(t, to, "small", int32(5), true)
	if n := wire.New(&everything.Node{}).(*everything.Node); n.Defaults.Score != 2.25 {
		t.Errorf("a new message has not its defaults: %+v", n)
	}
}
