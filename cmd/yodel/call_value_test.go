package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/schema"
)

const valuesDefinition = `
enum Rounding { HALF_EVEN = 0, DOWN = 1 }
struct Point {
  1: double x
  2: double y = 0.5
  3: string? first_label
  4: list<Point> children
  5: map<string, long> counts
}
union Shape { 1: Point point, 2: string name }
void types(
  1: bool bool, 2: int int, 3: long long, 4: uint uint, 5: ulong ulong, 6: float float, 7: double double,
  8: string string, 9: bytes bytes, 10: timestamp timestamp, 11: duration duration, 12: list<int> ints,
  13: map<bool, string> names, 14: Rounding rounding, 15: Point point, 16: Shape shape, 17: int? maybe,
)
`

// valueType returns the type of a parameter of the method types above.
func valueType(t testing.TB, param string) *schema.Type {
	t.Helper()
	files, diags := check.Files(func(string) ([]byte, error) { return []byte(valuesDefinition), nil }, "values.yodel")
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	return fieldNamed(files[0].Services[0].Methods[0].Params, param).Type
}

func TestBasicValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ param, json, hex string }{
		{"bool", `true`, "01"},
		{"bool", `false`, "00"},
		{"int", `-2`, "fffffffe"},
		{"long", `"-9223372036854775808"`, "8000000000000000"},
		{"uint", `4294967295`, "ffffffff"},
		{"ulong", `"18446744073709551615"`, "ffffffffffffffff"},
		{"float", `2`, "40000000"},
		{"float", `"-Infinity"`, "ff800000"},
		{"double", `0.5`, "3fe0000000000000"},
		{"double", `"NaN"`, "7ff8000000000001"},
		{"string", `"zoë"`, "00000004 7a6fc3ab"},
		{"string", `"<&>"`, "00000003 3c263e"},
		{"bytes", `"AAE="`, "00000002 0001"},
		{"timestamp", `"1970-01-01T00:00:01.5Z"`, "0000000000000001 1dcd6500"},
		{"timestamp", `"1969-12-31T23:59:59.5Z"`, "ffffffffffffffff 1dcd6500"},
		{"duration", `"1.5s"`, "0000000059682f00"},
		{"duration", `"-2s"`, "ffffffff88ca6c00"},
		{"ints", `[1,2]`, "00000008 00000001 00000002"},
		{"ints", `[]`, "00000000"},
		{"names", `{"false":"a","true":"b"}`, "0000000c 00 00000001 61 01 00000001 62"},
		{"rounding", `"DOWN"`, "00000001"},
		{"rounding", `7`, "00000007"},
		{"point", `{}`, "00000000"},
		{"point", `{"x":0.5,"firstLabel":"a"}`, "0000000f 01 3fe0000000000000 03 00000001 61"},
		{"point", `{"children":[{}],"counts":{"a":"1"}}`,
			"0000001b 04 00000004 00000000 05 0000000d 00000001 61 0000000000000001"},
		{"shape", `{"name":"a"}`, "00000006 02 00000001 61"},
		{"maybe", `3`, "00000003"},
	}
	for _, test := range tests {
		t.Run(test.param+" "+test.json, func(t *testing.T) {
			t.Parallel()
			typ := valueType(t, test.param)
			b, err := appendValue(nil, typ, json.RawMessage(test.json))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := hex.EncodeToString(b), strings.ReplaceAll(test.hex, " ", ""); got != want {
				t.Errorf("encoded as\n%s, want\n%s", got, want)
			}
			in := &basicReader{r: bytes.NewReader(b)}
			if got := string(in.value(typ)); in.err != nil || got != test.json {
				t.Errorf("decoded as %s, %v", got, in.err)
			}
		})
	}
}

// TestOtherSpellings: what ProtoJSON reads beside what it writes.
func TestOtherSpellings(t *testing.T) {
	t.Parallel()
	tests := []struct{ param, json, hex string }{
		{"int", `1e2`, "00000064"},
		{"int", `"-3.0"`, "fffffffd"},
		{"ulong", `5e0`, "0000000000000005"},
		{"double", `"0.5"`, "3fe0000000000000"},
		{"bytes", `"_-8"`, "00000002 ffef"},
		{"bytes", `"/+8="`, "00000002 ffef"},
		{"point", `{"first_label":"a"}`, "00000006 03 00000001 61"},
	}
	for _, test := range tests {
		b, err := appendValue(nil, valueType(t, test.param), json.RawMessage(test.json))
		if got, want := hex.EncodeToString(b), strings.ReplaceAll(test.hex, " ", ""); err != nil || got != want {
			t.Errorf("%s %s is encoded as %s, %v, want %s", test.param, test.json, got, err, want)
		}
	}
}

func TestTypedParams(t *testing.T) {
	t.Parallel()
	tests := []struct{ param, value, want string }{
		{"rounding", "DOWN", `"DOWN"`},
		{"rounding", "1", "1"},
		{"string", "1", `"1"`},
		{"int", "1", "1"},
		{"double", "NaN", `"NaN"`},
	}
	for _, test := range tests {
		m := &schema.Method{Params: []*schema.Field{{Number: 1, Name: test.param, Type: valueType(t, test.param)}}}
		p, _, err := typedParams(m, []string{test.param + "=" + test.value})
		if got := string(p[test.param]); err != nil || got != test.want {
			t.Errorf("%s=%s is sent as %s, %v, want %s", test.param, test.value, got, err, test.want)
		}
	}
}

func TestWrongValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ param, json, want string }{
		{"bool", `1`, "write true or false"},
		{"bool", `"yes"`, "write true or false"},
		{"int", `2147483648`, "write a whole number from -2147483648 to 2147483647"},
		{"int", `1.5`, "is not of type int"},
		{"int", `1e99`, "is not of type int"},
		{"long", `9223372036854775808`, "is not of type long"},
		{"uint", `-1`, "is not of type uint"},
		{"ulong", `-1`, "is not of type ulong"},
		{"float", `"much"`, "write a number"},
		{"double", `{}`, "write a number"},
		{"double", `"nan"`, "write a number"},
		{"double", `"0x1p4"`, "write a number"},
		{"string", `1`, "write a string"},
		{"bytes", `"?"`, "write bytes in base64"},
		{"timestamp", `"today"`, `write a time as in "2006-01-02T15:04:05Z"`},
		{"duration", `"1h"`, `write seconds as in "1.5s"`},
		{"ints", `{}`, "is not of type list<int>; write a JSON array"},
		{"ints", `[1,"a"]`, `[1]: "a" is not of type int`},
		{"names", `[]`, "is not of type map<bool, string>; write a JSON object"},
		{"names", `{"maybe":"a"}`, "maybe is not of type bool"},
		{"rounding", `"UP"`, "write HALF_EVEN, DOWN"},
		{"rounding", `"1"`, "write HALF_EVEN, DOWN"},
		{"point", `[]`, "is not of type Point"},
		{"point", `{"z":1}`, `there is no "z"; there is x, y`},
		{"point", `{"children":[{"x":"a"}]}`, `children: [0]: x: "a" is not of type double`},
		{"shape", `{"name":"a","point":{}}`, "write a JSON object with one of point, name"},
		{"string", strings.Repeat("9", 1000), "999... is not of type string"},
	}
	for _, test := range tests {
		t.Run(test.param+" "+test.json[:min(20, len(test.json))], func(t *testing.T) {
			t.Parallel()
			_, err := appendValue(nil, valueType(t, test.param), json.RawMessage(test.json))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// TestBadAnswers: whatever a server answers, there is an error and little memory is used.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, param, hex, want string }{
		{"cut", "long", "00", "ends in its midst"},
		{"length over the limit", "string", "ffffffff", "over the limit"},
		{"cut in a list", "ints", "00000005 0000000100", "ends in its midst"},
		{"unknown field", "point", "00000001 09", "a field that the definition lacks"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, err := hex.DecodeString(strings.ReplaceAll(test.hex, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			in := &basicReader{r: bytes.NewReader(b)}
			in.value(valueType(t, test.param))
			if in.err == nil || !strings.Contains(in.err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", in.err, test.want)
			}
		})
	}
}

func TestNestedAnswer(t *testing.T) {
	t.Parallel()
	point := appendSized(nil, nil)
	for range 200 {
		point = appendSized(nil, append([]byte{4}, appendSized(nil, point)...))
	}
	in := &basicReader{r: bytes.NewReader(point)}
	in.value(valueType(t, "point"))
	if in.err == nil || !strings.Contains(in.err.Error(), "nested more than 100 deep") {
		t.Error(in.err)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{"", "\x00\x00\x00\x05\x04\x00\x00\x00\x00",
		"\x00\x00\x00\x09\x01\x3f\xe0\x00\x00\x00\x00\x00\x00"} {
		f.Add([]byte(seed))
	}
	point := valueType(f, "point")
	f.Fuzz(func(t *testing.T, b []byte) {
		in := &basicReader{r: bytes.NewReader(b)}
		if text := in.value(point); in.err == nil && !json.Valid(text) {
			t.Errorf("%x gave %s", b, text)
		}
	})
}
