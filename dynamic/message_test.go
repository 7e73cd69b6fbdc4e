package dynamic_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/wire"
)

const shapesText = `
enum Colour { RED = 0, BLUE = 2 }
struct Point { 1: int x, 2: double y = 0.5, 3: Point? next, 4: list<Point> children, 5: Colour colour = BLUE }
union Shape { 1: Point point, 2: string name }
exception Full { 1: int most }
exception Odd { 1: string message = "odd" }
struct All {
  1: bool truth, 2: int small, 3: long large, 4: uint count, 5: ulong hash, 6: float ratio, 7: double score,
  8: string name, 9: bytes token = "ab", 10: timestamp seen, 11: duration lasted, 12: Colour colour,
  13: list<int> ints, 14: map<string, Point> points, 15: Shape shape, 16: int? maybe, 17: list<Colour> colours,
  18: map<int, string> names, 19: Point point, @sensitive 20: string secret
}
service Shapes {
  All all(1: All all)
  void ping() => Full, Odd
  Shape shape(1: Shape shape)
}
service Others { void ping() }
`

// echo answers each method with its first parameter.
func echo(_ context.Context, m *dynamic.Method, args *dynamic.Message) (any, error) {
	if len(m.Schema().Params) == 0 {
		return nil, nil
	}
	return args.Get(m.Schema().Params[0].Name)
}

var allValues = map[string]any{
	"truth": true, "small": int32(-7), "large": int64(1) << 60, "count": uint32(3), "hash": uint64(1) << 63,
	"ratio": float32(0.25), "score": -1.5, "name": "zoë", "token": []byte{0, 255},
	"seen": time.Unix(1, 5).UTC(), "lasted": time.Second, "colour": "BLUE", "maybe": int32(0), "secret": "s",
}

func TestValues(t *testing.T) {
	t.Parallel()
	p := load(t, "shapes.yodel", shapesText)
	overEach(t, func(t *testing.T, scheme string) {
		client := dynamic.NewClient(dial(t, scheme+serve(t, p.Services()[0].NewService(echo))), p)
		all := map[string]any{
			"ints":   []int{1, 2},
			"points": map[string]any{"a": map[string]any{"x": 1, "next": map[string]any{"colour": "RED"}}},
			"shape": map[string]any{"point": map[string]any{"children": []any{
				map[string]any{"x": 9}, map[string]any{},
			}}},
			"colours": []string{"RED", "BLUE"}, "names": map[int]string{-1: "minus"},
		}
		for name, value := range allValues {
			all[name] = value
		}
		result, err := client.Call(t.Context(), "all", map[string]any{"all": all})
		if err != nil {
			t.Fatal(err)
		}
		m := result.(*dynamic.Message)
		for name, want := range allValues {
			got, err := m.Get(name)
			if b, ok := got.([]byte); ok && string(b) == string(want.([]byte)) {
				continue
			}
			if got != want || err != nil {
				t.Errorf("%s is %v, %v; want %v", name, got, err, want)
			}
		}
		moved := wire.New(m)
		if text := wire.String(moved); text != wire.String(wire.NewRecord(m.Record().Type())) {
			t.Errorf("a new message is %s", text)
		}
		wire.Move(moved, m)
		if n, ok := wire.Get[int32](moved, "small"); n != -7 || !ok {
			t.Errorf("small is %v, %v", n, ok)
		}
		if name, ok := wire.Get[string](m, "colour"); name != "BLUE" || !ok {
			t.Errorf("colour is %q, %v", name, ok)
		}
		for name, v := range wire.Mask(m).All() {
			if name == "secret" && v != "***" || name == "ratio" && v != float32(0.25) {
				t.Errorf("%s is shown as %v", name, v)
			}
		}
		if text, err := m.MarshalJSON(); err == nil {
			t.Errorf("encoding/json gets what is sensitive: %s", text)
		}
		text, err := wire.MarshalJSON(m)
		want := `"ints":[1,2],"points":{"a":{"x":1,"next":{"colour":"RED"}}},` +
			`"shape":{"point":{"children":[{"x":9},{}]}},"maybe":0,"colours":["RED","BLUE"],` +
			`"names":{"-1":"minus"},"secret":"s"}`
		if !strings.HasSuffix(string(text), want) || err != nil {
			t.Errorf("as JSON it is\n%s, %v; want it to end with\n%s", text, err, want)
		}
		for _, shown := range []string{fmt.Sprintf("%v", m), fmt.Sprintf("%#v", m), fmt.Sprintf("%d", []any{m}),
			m.LogValue().String()} {
			if !strings.Contains(shown, `"secret":"***"`) {
				t.Errorf("a secret shows: %s", shown)
			}
		}
	})
}

func TestGet(t *testing.T) {
	t.Parallel()
	p := load(t, "shapes.yodel", shapesText)
	m := p.Type("shapes.All").New()
	for name, want := range map[string]any{
		"truth": false, "small": int32(0), "name": "", "colour": "RED", "maybe": nil, "shape": nil,
		"lasted": time.Duration(0), "seen": time.Time{},
	} {
		if got, err := m.Get(name); got != want || err != nil || m.Has(name) {
			t.Errorf("%s is %v, %v; want %v", name, got, err, want)
		}
	}
	token, _ := m.Get("token")
	token.([]byte)[0] = 'x'
	if again, _ := m.Get("token"); string(again.([]byte)) != "ab" {
		t.Error("a default was changed")
	}
	if err := m.Set("colour", 7); err != nil {
		t.Error(err)
	}
	if got, _ := m.Get("colour"); got != int32(7) {
		t.Errorf("a value without a name is %v", got)
	}
	if err := m.Set("shape", map[string]any{"name": ""}); err != nil {
		t.Error(err)
	}
	shape, _ := m.Get("shape")
	if got := shape.(*dynamic.Message).Member(); got != "name" {
		t.Errorf("the member is %q", got)
	}
	if err := shape.(*dynamic.Message).Set("point", map[string]any{}); err != nil {
		t.Error(err)
	}
	if text, _ := wire.MarshalJSON(m); !strings.Contains(string(text), `"shape":{"point":{}}`) {
		t.Errorf("the other member is set: %s", text)
	}
	if err := m.Set("shape", nil); err != nil || m.Has("shape") {
		t.Error("nil does not clear")
	}
	if got, _ := p.Type("shapes.Point").New().Get("y"); got != 0.5 {
		t.Errorf("the default of y is %v", got)
	}
}

func TestSetErrors(t *testing.T) {
	t.Parallel()
	p := load(t, "shapes.yodel", shapesText)
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"smal", 1, `there is no "smal" in All; there is small, `},
		{"small", int64(1 << 40), "small: 1099511627776 is not an int"},
		{"small", 1.5, "small: 1.5 is not an int"},
		{"small", "1", `small: "1" is not an int`},
		{"count", -1, "count: -1 is not a uint"},
		{"truth", 1, "truth: 1 is not a bool"},
		{"ratio", 1e300, "ratio: 1e+300 is not a float"},
		{"name", 5, "name: 5 is not a string"},
		{"token", "ab", `token: "ab" is not bytes`},
		{"seen", "now", `seen: "now" is not a timestamp`},
		{"lasted", 5, "lasted: 5 is not a duration"},
		{"small", time.Second, "small: 1s is not an int"},
		{"colour", "GREEN", `colour: "GREEN" is no Colour, which are RED, BLUE`},
		{"ints", []any{1, nil}, "ints[1]: want an int, not nil"},
		{"points", map[string]any{"a": map[string]any{"z": 1}},
			`points["a"]: there is no "z" in Point; there is x, y, `},
		{"shape", map[string]any{"name": "", "point": map[string]any{}},
			"shape: 2 members are given of Shape, which holds one"},
		{"point", p.Type("shapes.Shape").New(), "point: a message of type Shape is not a Point"},
		{"point", 5, "point: 5 is not a Point"},
		{"secret", 5, "secret: the value is not a string"},
		{"point", map[int]int{}, "point: a value of Go's type map[int]int is not a Point"},
	}
	for _, test := range tests {
		m := p.Type("shapes.All").New()
		if err := m.Set(test.name, test.value); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v\nwant %s", test.name, err, test.want)
		}
	}
}

// A message that contains itself ends in an error, not in a crash.
func TestCircle(t *testing.T) {
	t.Parallel()
	p := load(t, "shapes.yodel", shapesText)
	m := p.Type("shapes.Point").New()
	if err := m.Set("next", m); err != nil {
		t.Fatal(err)
	}
	if text, err := m.MarshalJSON(); err == nil {
		t.Errorf("it has a JSON text of %d bytes", len(text))
	}
	_ = m.String()
	shape := map[string]any{"point": m}
	overEach(t, func(t *testing.T, scheme string) {
		client := dynamic.NewClient(dial(t, scheme+serve(t, p.Services()[0].NewService(echo))), p)
		if _, err := client.Call(t.Context(), "shape", map[string]any{"shape": shape}); err == nil ||
			!strings.Contains(err.Error(), "deep") {
			t.Errorf("the error is %v", err)
		}
	})
}
