package wire_test

import (
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/wire"
)

func TestJSONText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{\"a\":\n 1}": `> {"a":1}`,
		"{}":           "> {}",
		"":             "",
		"[]":           "",
		"{} {}":        "",
		"null":         "",
	} {
		got, err := wire.AppendJSON([]byte("> "), &wire.JSONText{Text: []byte(text)})
		if (err == nil) != (want != "") || err == nil && string(got) != want {
			t.Errorf("%q gives %s, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{`{"result": {"x": [1]}, "y": 1}`: `{"x": [1]}`, `{}`: "null", `{`: ""} {
		var m wire.JSONText
		if err := wire.UnmarshalJSON([]byte(text), &m); (err == nil) != (want != "") || string(m.Text) != want {
			t.Errorf("%q reads as %s, %v", text, m.Text, err)
		}
	}
	if _, err := wire.Marshal(new(wire.JSONText)); err == nil ||
		!strings.Contains(err.Error(), "without a definition") {
		t.Errorf("the wire format carries it: %v", err)
	}
	if err := wire.Unmarshal([]byte{8, 1}, new(wire.JSONText)); err == nil {
		t.Error("the wire format reads it")
	}
}
