package wire_test

import (
	"encoding/json"
	"math"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/wire"
)

// jsonPairs are messages and their JSON texts, each of which reads as the other.
var jsonPairs = map[string]struct {
	change func(*all)
	text   string
}{
	"defaults": {func(*all) {}, `{"anInt":0}`},
	"integers": {
		func(a *all) { a.Int, a.Long, a.Uint, a.Ulong = -1, math.MinInt64, math.MaxUint32, math.MaxUint64 },
		`{"anInt":-1,"long":"-9223372036854775808","uint":4294967295,"ulong":"18446744073709551615"}`,
	},
	"floats": {func(a *all) { a.Float, a.Double = 1.5, 1e-7 }, `{"anInt":0,"float":1.5,"double":1e-07}`},
	"large floats": {
		func(a *all) { a.Float, a.Double = math.MaxFloat32, 1e21 },
		`{"anInt":0,"float":3.4028235e+38,"double":1e+21}`,
	},
	"infinities": {
		func(a *all) { a.Float, a.Double = float32(math.Inf(1)), math.Inf(-1) },
		`{"anInt":0,"float":"Infinity","double":"-Infinity"}`,
	},
	"negative zero": {func(a *all) { a.Double = math.Copysign(0, -1) }, `{"anInt":0,"double":-0}`},
	"text": {
		func(a *all) { a.Text = "<&>\"\\\n\r\t\x00\x7f\u2028é😀\ufffd" },
		`{"anInt":0,"text":"<&>\"\\\n\r\t\u0000` + "\x7f\u2028é😀\ufffd" + `"}`,
	},
	"empty text": {func(a *all) { a.Text = "" }, `{"anInt":0,"text":""}`},
	"bytes":      {func(a *all) { a.Blob = []byte{0xfb, 0xff, 0} }, `{"anInt":0,"blob":"+/8A"}`},
	"timestamp":  {func(a *all) { a.When = time.Unix(0, 0).UTC() }, `{"anInt":0,"when":"1970-01-01T00:00:00Z"}`},
	"milliseconds": {
		func(a *all) { a.When = time.Unix(-1, 1e6).UTC() },
		`{"anInt":0,"when":"1969-12-31T23:59:59.001Z"}`,
	},
	"microseconds": {
		func(a *all) { a.When = time.Unix(1, 120e3).UTC() },
		`{"anInt":0,"when":"1970-01-01T00:00:01.000120Z"}`,
	},
	"nanoseconds": {
		func(a *all) { a.When = time.Unix(253402300799, 999999999).UTC() },
		`{"anInt":0,"when":"9999-12-31T23:59:59.999999999Z"}`,
	},
	"no duration":     {func(a *all) { a.Span = 0 }, `{"anInt":0,"span":"0s"}`},
	"short duration":  {func(a *all) { a.Span = -time.Nanosecond }, `{"anInt":0,"span":"-0.000000001s"}`},
	"long duration":   {func(a *all) { a.Span = math.MinInt64 }, `{"anInt":0,"span":"-9223372036.854775808s"}`},
	"enum":            {func(a *all) { a.Color = red }, `{"anInt":0,"color":"RED"}`},
	"unknown enum":    {func(a *all) { a.Color = -3 }, `{"anInt":0,"color":-3}`},
	"struct":          {func(a *all) { a.At = point{X: 1, Y: 0} }, `{"anInt":0,"at":{"x":1,"y":0}}`},
	"optional":        {func(a *all) { a.Maybe = new(int32) }, `{"anInt":0,"maybe":0}`},
	"optional struct": {func(a *all) { a.At.Next = &point{Y: 0.5} }, `{"anInt":0,"at":{"next":{}}}`},
	"union":           {func(a *all) { a.Shape = shapePoint{point{Y: 0.5}} }, `{"anInt":0,"shape":{"point":{}}}`},
	"union of zero":   {func(a *all) { a.Shape = shapeSize{} }, `{"anInt":0,"shape":{"theSize":0}}`},
	"lists": {
		func(a *all) { a.Ints, a.Shapes = []int32{0, 1}, []shape{nil, shapeSize{7}} },
		`{"anInt":0,"ints":[0,1],"shapes":[{},{"theSize":7}]}`,
	},
	"maps": {func(a *all) {
		a.ByID = map[int64]point{10: {Y: 0.5}, -2: {X: 2, Y: 0.5}}
		a.ByYes = map[bool]color{true: blue, false: 2}
		a.ByUint = map[uint32]int64{math.MaxUint32: 1}
		a.At.Tags = map[string]string{"b": "2", "": "0", "a\n": ""}
	}, `{"anInt":0,"at":{"tags":{"":"0","a\n":"","b":"2"}},"byId":{"-2":{"x":2},"10":{}},` +
		`"byYes":{"false":2,"true":"DARK_BLUE"},"byUint":{"4294967295":"1"}}`},
}

func TestJSONPairs(t *testing.T) {
	t.Parallel()
	for name, tt := range jsonPairs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := newAll()
			tt.change(want)
			text, err := wire.MarshalJSON(want)
			if err != nil || string(text) != tt.text {
				t.Errorf("written: %v\n%s\nwant\n%s", err, text, tt.text)
			}
			if !json.Valid(text) {
				t.Error("written text is not JSON")
			}
			got := new(all)
			if err := wire.UnmarshalJSON([]byte(tt.text), got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("read\n%+v\nwant\n%+v", got, want)
			}
		})
	}
}

func TestUnmarshalJSONTakesOtherForms(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text   string
		change func(*all)
	}{
		"declared names": {`{"an_int":1}`, func(a *all) { a.Int = 1 }},
		"white space": {
			" \t\r\n{ \"anInt\" : 1 , \"ints\" : [ 1 , 2 ] , \"at\" : { } } \n",
			func(a *all) { a.Int, a.Ints = 1, []int32{1, 2} },
		},
		"unknown members": {
			`{"x":[{"y":[null,true,-1.5e3,"\ud83d\ude00"]}],"anInt":1,"":{}}`,
			func(a *all) { a.Int = 1 },
		},
		"null": {
			`{"anInt":1,"long":null,"text":null,"maybe":null,"ints":null,"byId":null,"shape":null,"at":null}`,
			func(a *all) { a.Int = 1 },
		},
		"null member": {
			`{"anInt":1,"shape":{"point":null,"theSize":2}}`,
			func(a *all) { a.Int, a.Shape = 1, shapeSize{2} },
		},
		"empty union": {`{"anInt":1,"shape":{}}`, func(a *all) { a.Int = 1 }},
		"numbers in quotes": {
			`{"anInt":"12","float":"1.5","ulong":"7"}`,
			func(a *all) { a.Int, a.Float, a.Ulong = 12, 1.5, 7 },
		},
		"64 bits as numbers": {
			`{"anInt":1,"long":-9223372036854775808,"ulong":18446744073709551615}`,
			func(a *all) { a.Int, a.Long, a.Ulong = 1, math.MinInt64, math.MaxUint64 },
		},
		"exponents": {
			`{"anInt":1e2,"long":1.50e1,"uint":1000e-3,"ulong":"0.1E+1"}`,
			func(a *all) { a.Int, a.Long, a.Uint, a.Ulong = 100, 15, 1, 1 },
		},
		"zeros": {
			`{"anInt":-0,"long":0e99999999999999999999,"uint":-0.0,"ulong":0.000e-7}`,
			func(a *all) { a.Long = 0 },
		},
		"tiny double": {`{"anInt":1,"double":1e-999}`, func(a *all) { a.Int = 1 }},
		"escapes": {
			`{"an\u0049nt":1,"text":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`,
			func(a *all) { a.Int, a.Text = 1, "\"\\/\b\f\n\r\té😀" },
		},
		"base64 for URLs":     {`{"anInt":1,"blob":"-_8A"}`, func(a *all) { a.Int, a.Blob = 1, []byte{0xfb, 0xff, 0} }},
		"base64 with padding": {`{"anInt":1,"blob":"_w=="}`, func(a *all) { a.Int, a.Blob = 1, []byte{0xff} }},
		"base64 without":      {`{"anInt":1,"blob":"/w"}`, func(a *all) { a.Int, a.Blob = 1, []byte{0xff} }},
		"offset": {
			`{"anInt":1,"when":"1970-01-01T01:00:00.5+01:00"}`,
			func(a *all) { a.Int, a.When = 1, time.Unix(0, 5e8).UTC() },
		},
		"durations":         {`{"anInt":1,"span":"+1.s"}`, func(a *all) { a.Int, a.Span = 1, time.Second }},
		"half a second":     {`{"anInt":1,"span":"-.5s"}`, func(a *all) { a.Int, a.Span = 1, -time.Second/2 }},
		"number of an enum": {`{"anInt":1,"color":0}`, func(a *all) { a.Int, a.Color = 1, red }},
		"signed keys": {
			`{"anInt":1,"byUint":{"07":1}}`,
			func(a *all) { a.Int, a.ByUint = 1, map[uint32]int64{7: 1} },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := newAll(), new(all)
			tt.change(want)
			if err := wire.UnmarshalJSON([]byte(tt.text), got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestJSONNesting(t *testing.T) {
	t.Parallel()
	nest := func(open, inner, close string, n int) string {
		return strings.Repeat(open, n) + inner + strings.Repeat(close, n)
	}
	tests := map[string]struct {
		text string
		deep bool
	}{
		"known":             {nest(`{"next":`, `{}`, `}`, 100), false},
		"known, too deep":   {nest(`{"next":`, `{}`, `}`, 101), true},
		"lists":             {nest(`{"kids":[`, `{}`, `]}`, 100), false},
		"lists, too deep":   {nest(`{"kids":[`, `{}`, `]}`, 101), true},
		"unknown":           {`{"?":` + nest(`[`, ``, `]`, 100) + `}`, false},
		"unknown, too deep": {`{"?":` + nest(`[`, ``, `]`, 100000) + `}`, true},
		"unknown objects":   {`{"?":` + nest(`{"":`, `0`, `}`, 100000) + `}`, true},
		"unknown in known":  {`{"next":{"?":` + nest(`[`, ``, `]`, 100) + `}}`, true},
		"in a wrong place":  {`{"x":` + nest(`[`, ``, `]`, 100000) + `}`, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := wire.UnmarshalJSON([]byte(tt.text), new(point))
			tooDeep := err != nil && strings.HasSuffix(err.Error(), "nested more than 100 deep")
			if tooDeep != tt.deep {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Masses of small elements take memory in proportion to the text, whatever an element takes in Go.
func TestJSONMassesOfItems(t *testing.T) {
	repeat := func(head, item, tail string) string { return head + strings.Repeat(item, 1<<18) + tail }
	tests := map[string]struct {
		text string
		into wire.Message
		want string
	}{
		"unknown":  {repeat(`{"?":[0`, `,[]`, `]}`), &everything.Lists{}, ""},
		"integers": {repeat(`{"small":[0`, `,0`, `]}`), &everything.Lists{}, ""},
		"structs":  {repeat(`{"lists":[{}`, `,{}`, `]}`), &everything.Lists{}, "lists: the lists take more than"},
		"pointers": {repeat(`{"children":[{}`, `,{"left":{}}`, `]}`), &everything.Node{}, "the lists take more than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			data := []byte(tt.text)
			runtime.ReadMemStats(&before)
			err := wire.UnmarshalJSON(data, tt.into)
			runtime.ReadMemStats(&after)
			if name == "pointers" && strconv.IntSize == 32 {
				tt.want = "" // they take half as much
			}
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			allowance := 32<<20 + 16*len(data) // doubling a list takes twice that, and leaves as much behind
			if used, most := after.TotalAlloc-before.TotalAlloc, uint64(4*allowance); used > most {
				t.Errorf("%d MiB for a text of %d MiB", used>>20, len(data)>>20)
			}
		})
	}
}

func TestAppendFullJSON(t *testing.T) {
	t.Parallel()
	got, err := wire.AppendFullJSON([]byte("> "), newAll())
	want := `> {"yes":false,"anInt":0,"long":"-5","uint":0,"ulong":"0","float":0,"double":0,"text":"hi",` +
		`"blob":"","when":null,"span":"1.500s","color":"DARK_BLUE",` +
		`"at":{"x":0,"y":0.5,"label":null,"next":null,"kids":[],"tags":{}},"shape":null,` +
		`"ints":[],"shapes":[],"byId":{},"byYes":{},"byUint":{},"maybe":null}`
	if err != nil || string(got) != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
	back, full := new(all), newAll()
	full.Blob = []byte{} // which is written, and so is there
	if err := wire.UnmarshalJSON(got[2:], back); err != nil || !reflect.DeepEqual(back, full) {
		t.Errorf("read back: %v, %+v", err, back)
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	loop := &point{}
	loop.Next = loop
	tests := map[string]struct {
		m    wire.Message
		want string
	}{
		"sensitive": {
			&all{Text: "secret", Int: 1},
			`{"anInt":1,"long":"0","text":"***","span":"0s","color":"RED","at":{"y":0,"tags":"***"}}`,
		},
		"sensitive and absent": {&point{Y: 0.5}, `{"tags":"***"}`},
		"sensitive and absent in what is absent": {
			&all{Long: -5, Text: "hi", Span: 1500 * time.Millisecond, Color: blue, At: point{Y: 0.5},
				Shape: shapePoint{point{Y: 0.5}}},
			`{"anInt":0,"text":"***","at":{"tags":"***"},"shape":{"point":{"tags":"***"}}}`,
		},
		"not UTF-8": {&point{Label: new("a\xffb\n"), Y: 0.5}, `{"label":"a` + "\ufffd" + `b\n","tags":"***"}`},
		"loop":      {loop, strings.Repeat(`{"y":0,"next":`, 1024/14) + `{"…`},
		"long": {
			&point{Label: new(strings.Repeat("é", 1<<20)), Y: 0.5},
			`{"label":"` + strings.Repeat("é", 507) + "…",
		},
		"long list": {
			&point{Kids: make([]point, 1<<20), Y: 0.5},
			`{"kids":[` + strings.Repeat(`{"y":0,"tags":"***"},`, 48) + `{"y":0,…`,
		},
		"year 0": {&all{Int: 3, When: time.Time{}.Add(-1), Text: "hi", Long: -5}, `{"anInt":3,"text":"***","when":…`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := wire.String(tt.m); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// FuzzJSON holds the reader against encoding/json for what is JSON, and against the writer for what it means.
func FuzzJSON(f *testing.F) {
	for _, tt := range jsonPairs {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte(`{"x":[{"y":[null,true,-1.5e3,"\ud83d\ude00"]}],"anInt":1,"":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = wire.String(&point{Label: new(string(text))})
		var unquoted string
		quoted := wire.AppendJSONString(nil, string(text))
		if err := json.Unmarshal(quoted, &unquoted); err != nil || unquoted != string([]rune(string(text))) {
			t.Errorf("AppendJSONString(%q) = %s: %v", text, quoted, err)
		}
		m := new(all)
		err := wire.UnmarshalJSON(text, m)
		if err == nil && (!json.Valid(text) || !utf8.Valid(text)) {
			t.Fatal("read what is not JSON")
		}
		unknown := append(append([]byte(`{"?":`), text...), '}')
		if err := wire.UnmarshalJSON(unknown, new(point)); (err == nil) != acceptable(unknown, err) {
			t.Fatalf("skipping: %v; encoding/json differs", err)
		}
		if err != nil {
			return
		}
		written, err := wire.MarshalJSON(m)
		if err != nil {
			t.Fatal(err)
		}
		back := new(all)
		if err := wire.UnmarshalJSON(written, back); err != nil {
			t.Fatalf("reading back %s: %v", written, err)
		}
		if again, _ := wire.MarshalJSON(back); string(again) != string(written) {
			t.Errorf("wrote %s and then %s", written, again)
		}
	})
}

// acceptable reports what encoding/json and the stricter rules on text say; err is what this package said.
func acceptable(text []byte, err error) bool {
	if err != nil {
		for _, stricter := range []string{"half a surrogate pair", "nested more than", "not valid UTF-8"} {
			if strings.Contains(err.Error(), stricter) {
				return false
			}
		}
	}
	return json.Valid(text)
}

func BenchmarkJSON(b *testing.B) {
	m := newAll()
	m.Int, m.Double, m.Text, m.Ints = 200, 1.25, strings.Repeat("text ", 20), []int32{1, 2, 3}
	m.At.Kids = []point{{X: 1}, {X: 2}}
	text, err := wire.MarshalJSON(m)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		buf := text
		for b.Loop() {
			buf, _ = wire.AppendJSON(buf[:0], m)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := wire.UnmarshalJSON(text, m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
