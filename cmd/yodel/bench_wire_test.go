package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/wire"
)

// TestWireMessages: a message of a definition that is known only at run time has the bytes of generated code.
func TestWireMessages(t *testing.T) {
	t.Parallel()
	file := compileEverything(t)
	tests := []struct {
		name    string
		message wire.Message
		json    string
	}{
		{"Scalars", new(everything.Scalars), `{"truth": true, "small": -7, "large": "-9000000000", "count": 3,
			"hash": "18446744073709551615", "ratio": 0.5, "score": "-Infinity", "name": "zoë", "token": "AAE=",
			"seen": "1969-12-31T23:59:59.5Z", "lasted": "-1.5s", "rounding": "FLOOR"}`},
		{"Optionals", new(everything.Optionals), `{"truth": false, "small": 0, "ratio": 0, "name": "", "token": "",
			"lasted": "0s", "rounding": 0, "next": {"small": 0}, "shape": null}`},
		{"Lists", new(everything.Lists), `{"truth": [true, false], "small": [-1, 0, 300], "large": ["-1", "5"],
			"count": [4294967295], "hash": ["18446744073709551615"], "ratio": [0.5, -1], "score": [2.25, "NaN"],
			"name": ["a", ""], "token": ["AAE=", ""], "seen": ["1970-01-01T00:00:01Z"], "lasted": ["0s", "2s"],
			"rounding": ["DOWN", 9, -1], "defaults": [{"small": 1}, {"name": "n"}], "lists": [{"small": []}, {"small": [1]}]}`},
		{"Maps", new(everything.Maps), `{"truth": {"a": true}, "small": {"b": 1, "a": 0},
			"large": {"true": "1", "false": "2"}, "count": {"-5": 1, "10": 2, "9": 3}, "hash": {"-1": "1"},
			"ratio": {"4000000000": 1.5}, "score": {"18446744073709551615": 1}, "name": {"": ""}, "token": {"k": "AAE="},
			"seen": {"k": "2020-01-01T00:00:00.000000001Z"}, "lasted": {"k": "1s"}, "rounding": {"k": "DOWN"},
			"defaults": {"k": {}}, "maps": {"k": {"small": {"x": 1}}}}`},
		{"Node", new(everything.Node), `{"label": "root", "left": {"label": "l"}, "children": [{"label": "c"}, {}],
			"value": {"node": {"value": {"score": 1.5}}}, "sixteen": 16, "big": 2047, "biggest": 536870911}`},
		{"Hostile", new(everything.Hostile), `{"encodeWire": 1, "decode_wire": 2, "nil": true}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(file.Structs, func(s *schema.Struct) bool { return s.Name == test.name })
			var p params
			if err := json.Unmarshal([]byte(test.json), &p); err != nil {
				t.Fatal(err)
			}
			dynamic, err := wire.Marshal(newWireMessage(file.Structs[i].Fields, p))
			if err != nil {
				t.Fatal(err)
			}
			if err := wire.Unmarshal(dynamic, test.message); err != nil {
				t.Fatal(err)
			}
			got, _ := wire.AppendJSON(nil, test.message)
			if err := wire.UnmarshalJSON([]byte(test.json), test.message); err != nil {
				t.Fatal(err)
			}
			if want, _ := wire.AppendJSON(nil, test.message); !bytes.Equal(got, want) {
				t.Errorf("it reads as\n%s, want\n%s", got, want)
			}
		})
	}
}

func TestPackedBytes(t *testing.T) {
	t.Parallel()
	file := compileEverything(t)
	i := slices.IndexFunc(file.Structs, func(s *schema.Struct) bool { return s.Name == "Lists" })
	const text = `{"truth": [true, false], "small": [-1, 300], "hash": ["7"], "ratio": [0.5], "rounding": ["DOWN"],
		"name": ["a"]}`
	got, err := wire.Marshal(newWireMessage(file.Structs[i].Fields, object(json.RawMessage(text))))
	if err != nil {
		t.Fatal(err)
	}
	var generated everything.Lists
	if err := wire.UnmarshalJSON([]byte(text), &generated); err != nil {
		t.Fatal(err)
	}
	if want, _ := wire.Marshal(&generated); !bytes.Equal(got, want) {
		t.Errorf("its bytes are\n%x, want\n%x", got, want)
	}
}

func compileEverything(t *testing.T) *schema.File {
	t.Helper()
	dir := filepath.Join(root, "internal/everything")
	load := func(path string) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, strings.TrimPrefix(path, "internal/everything/")))
	}
	files, diags := check.Files(load, "everything.yodel")
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	return files[0]
}
