package wire_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/wire"
)

func TestUnmarshalJSONErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"nothing":             {``, `the JSON text ends early: want an object`},
		"null":                {`null`, `unexpected character at byte 0 of the JSON text: want an object`},
		"list":                {`[]`, `unexpected '[' at byte 0 of the JSON text: want an object`},
		"cut":                 {`{"anInt":1`, `the JSON text ends early: want ',' or '}'`},
		"more":                {`{"anInt":1}{}`, `unexpected '{' at byte 11 of the JSON text: want the end`},
		"trailing comma":      {`{"anInt":1,}`, `unexpected '}' at byte 11 of the JSON text: want a name in quotes`},
		"name without quotes": {`{anInt:1}`, `unexpected character at byte 1 of the JSON text: want a name in quotes`},
		"no colon":            {`{"anInt" 1}`, `unexpected character at byte 9 of the JSON text: want ':'`},
		"no value":            {`{"anInt":}`, `an_int: unexpected '}' at byte 9 of the JSON text: want a value`},
		"word": {`{"anInt":nul}`,
			`an_int: unexpected character at byte 9 of the JSON text: want a value`},
		"leading zero":         {`{"anInt":01}`, `unexpected character at byte 10 of the JSON text: want ',' or '}'`},
		"point without digits": {`{"x":1.}`, `unexpected '}' at byte 7 of the JSON text: want a digit`},
		"missing":              {`{"long":1}`, `missing argument "an_int"`},
		"missing by null":      {`{"anInt":null}`, `missing argument "an_int"`},
		"twice":                {`{"anInt":1,"an_int":1}`, `an_int: appears twice`},
		"twice by null":        {`{"anInt":null,"anInt":1}`, `an_int: appears twice`},
		"key twice":            {`{"byYes":{"true":1,"true":1}}`, `by_yes["true"]: appears twice`},
		"two members": {
			`{"shape":{"point":{},"theSize":1}}`,
			`shape: has "the_size" and another member; want at most one`,
		},
		"not an int":          {`{"anInt":"abc"}`, `an_int: "abc" is not an int`},
		"int by another name": {`{"an_int":true}`, `an_int: true is not an int`},
		"fraction":            {`{"anInt":1.5}`, `an_int: 1.5 is not an int`},
		"small fraction": {
			`{"anInt":1e-99999999999999999999}`,
			`an_int: 1e-99999999999999999999 is not an int`,
		},
		"int out of range": {`{"anInt":2147483648}`, `an_int: 2147483648 is out of range for an int`},
		"int below range":  {`{"anInt":-2147483649}`, `an_int: -2147483649 is out of range for an int`},
		"huge exponent": {
			`{"long":1e99999999999999999999}`,
			`long: 1e99999999999999999999 is out of range for a long`,
		},
		"long out of range": {
			`{"long":"9223372036854775808"}`,
			`long: "9223372036854775808" is out of range for a long`,
		},
		"negative uint": {`{"uint":-1}`, `uint: -1 is out of range for a uint`},
		"ulong out of range": {
			`{"ulong":18446744073709551616}`,
			`ulong: 18446744073709551616 is out of range for a ulong`,
		},
		"space in quotes":     {`{"ulong":"1 "}`, `ulong: "1 " is not a ulong`},
		"float out of range":  {`{"float":1e39}`, `float: 1e39 is out of range for a float`},
		"hexadecimal":         {`{"double":"0x1p4"}`, `double: "0x1p4" is not a double`},
		"infinity in small":   {`{"double":"inf"}`, `double: "inf" is not a double`},
		"bool in quotes":      {`{"yes":"true"}`, `yes: "true" is not a bool`},
		"number for a bool":   {`{"yes":1}`, `yes: 1 is not a bool`},
		"number for a string": {`{"at":{"label":1}}`, `at.label: 1 is not a string`},
		"object for a number": {`{"long":{"a":1}}`, `long: an object is not a long`},
		"bad object": {
			`{"long":{"a":x}}`,
			`long: unexpected character at byte 13 of the JSON text: want a value`,
		},
		"list for a struct": {`{"at":[1]}`, `at: a list is not a point, an object`},
		"number for a list": {`{"ints":1}`, `ints: 1 is not a list<int>`},
		"list for a map":    {`{"byId":[]}`, `by_id: a list is not a map<long, point>, an object`},
		"list for a union":  {`{"shape":[]}`, `shape: a list is not a shape, an object with one member`},
		"element":           {`{"at":{"kids":[{},{"x":"y"}]}}`, `at.kids[1].x: "y" is not a double`},
		"null element":      {`{"ints":[1,null]}`, `ints[1]: null is not an int`},
		"null in a map":     {`{"byId":{"1":null}}`, `by_id["1"]: null is not a point, an object`},
		"key":               {`{"byId":{"x":{}}}`, `by_id: key "x" is not a long`},
		"key out of range": {
			`{"byUint":{"4294967296":1}}`,
			`by_uint: key "4294967296" is out of range for a uint`,
		},
		"key for a bool":   {`{"byYes":{"1":1}}`, `by_yes: key "1" is not a bool`},
		"element of a map": {`{"byId":{"7":{"x":[]}}}`, `by_id["7"].x: a list is not a double`},
		"enum":             {`{"color":"GREEN"}`, `color: "GREEN" is no color, which are RED, DARK_BLUE`},
		"long name for an enum": {
			`{"color":"` + strings.Repeat("A", 100) + `"}`,
			`color: "` + strings.Repeat("A", 64) + `"… (100 bytes) is not a color`,
		},
		"enum as digits":   {`{"color":"7"}`, `color: "7" is not a color`},
		"word for an enum": {`{"color":true}`, `color: true is not a color`},
		"base64":           {`{"blob":"*"}`, `blob: "*" is not bytes in base64`},
		"time without zone": {
			`{"when":"1970-01-01T00:00:00"}`,
			`when: "1970-01-01T00:00:00" is not a timestamp such as "2026-01-31T12:00:00Z"`,
		},
		"ten digits of a second": {
			`{"when":"1970-01-01T00:00:00.0000000001+01:00"}`,
			`when: "1970-01-01T00:00:00.0000000001+01:00" is not a timestamp such as "2026-01-31T12:00:00Z"`,
		},
		"year 0": {
			`{"when":"0001-01-01T00:00:00+01:00"}`,
			`when: "0001-01-01T00:00:00+01:00" is out of range for a timestamp such as "2026-01-31T12:00:00Z"`,
		},
		"duration without unit":  {`{"span":"1"}`, `span: "1" is not a duration such as "1.5s"`},
		"duration without digit": {`{"span":".s"}`, `span: ".s" is not a duration such as "1.5s"`},
		"leading zero of a span": {`{"span":"01s"}`, `span: "01s" is not a duration such as "1.5s"`},
		"two signs":              {`{"span":"-+1s"}`, `span: "-+1s" is not a duration such as "1.5s"`},
		"long duration": {
			`{"span":"9223372036.854775808s"}`,
			`span: "9223372036.854775808s" is out of range for a duration such as "1.5s"`,
		},
		"very long duration": {
			`{"span":"-99999999999999999999s"}`,
			`span: "-99999999999999999999s" is out of range for a duration such as "1.5s"`,
		},
		"control character": {
			"{\"text\":\"a\nb\"}",
			`text: unexpected character at byte 10 of the JSON text: ` +
				`want an escape such as \n for a control character in a string`,
		},
		"unknown escape": {
			`{"text":"\x"}`,
			`text: unexpected character at byte 10 of the JSON text: want one of "\/bfnrtu after a backslash`,
		},
		"half a pair": {
			`{"text":"\ud83d"}`,
			`text: half a surrogate pair at byte 11 of the JSON text: want both halves`,
		},
		"second half alone": {
			`{"text":"\udc00\ud83d"}`,
			`text: half a surrogate pair at byte 11 of the JSON text: want both halves`,
		},
		"short escape": {
			`{"text":"\u12"}`,
			`text: unexpected '"' at byte 13 of the JSON text: want four hexadecimal digits`,
		},
		"not UTF-8": {
			"{\"text\":\"\xff\"}",
			`text: the string that ends at byte 11 of the JSON text is not valid UTF-8`,
		},
		"name not UTF-8": {
			"{\"\xc3\":1}",
			`the string that ends at byte 4 of the JSON text is not valid UTF-8`,
		},
		"surrogate as UTF-8": {
			"{\"x\":\"\\n\xed\xa0\x80\"}",
			`the string that ends at byte 12 of the JSON text is not valid UTF-8`,
		},
		"sensitive":     {`{"text":{"password":"abc"}}`, `text: *** is not a string`},
		"sensitive key": {`{"at":{"tags":{"abc":1}}}`, `at.tags["***"]: *** is not a string`},
		"long value": {
			`{"anInt":"` + strings.Repeat("a", 100) + `"}`,
			`an_int: "` + strings.Repeat("a", 64) + `"… (100 bytes) is not an int`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := wire.UnmarshalJSON([]byte(tt.text), new(all))
			if err == nil || err.Error() != tt.want {
				t.Errorf("error\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestJSONErrorIn(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  wire.JSONError
		want string
	}{
		"field": {wire.JSONError{Path: "num1", Problem: "x"}, "params.num1: x"},
		"index": {wire.JSONError{Path: "[1]", Problem: "x"}, "params[1]: x"},
		"whole": {wire.JSONError{Problem: "x"}, "params: x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.err.In("params").Error(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestMarshalJSONErrors(t *testing.T) {
	t.Parallel()
	loop := &point{}
	loop.Next = loop
	tests := map[string]struct {
		m    wire.Message
		want string
	}{
		"not UTF-8": {&point{Label: new("a\xff")}, "label: the string is not valid UTF-8; declare it as bytes"},
		"key not UTF-8": {
			&point{Tags: map[string]string{"\xff": ""}},
			`tags["***"]: the string is not valid UTF-8; declare it as bytes`,
		},
		"year 10000": {&all{When: time.Unix(253402300800, 0)}, "when: the year 10000 is outside 1 to 9999"},
		"year 0":     {&all{When: time.Time{}.Add(-1)}, "when: the year 0 is outside 1 to 9999"},
		"loop":       {loop, strings.Repeat("next.", 100) + "next: values are nested more than 100 deep"},
		"element": {
			&all{Shapes: []shape{nil, shapePoint{point{Label: new("\xff")}}}},
			"shapes[1].point.label: the string is not valid UTF-8; declare it as bytes",
		},
		"map": {
			&all{ByID: map[int64]point{-1: {Label: new("\xff")}}},
			`by_id["-1"].label: the string is not valid UTF-8; declare it as bytes`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := wire.MarshalJSON(tt.m)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}
