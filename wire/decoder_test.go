package wire_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/internal/everything/common"
	"github.com/yodelrpc/yodel/wire"
)

// fresh returns an empty message of m's type.
func fresh(m wire.Message) wire.Message {
	return reflect.New(reflect.TypeOf(m).Elem()).Interface().(wire.Message)
}

// checkReadsBack reads data, both copied and owned, and wants want.
func checkReadsBack(t *testing.T, want wire.Message, data []byte) {
	t.Helper()
	got := fresh(want)
	if err := wire.Unmarshal(data, got); err != nil {
		t.Fatal(err)
	}
	// Empty and absent lists and bytes are the same, which DeepEqual does not know: compare what is written.
	again, err := wire.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if len(again) != len(data) || !reflect.DeepEqual(normal(got), normal(want)) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	var d wire.Decoder
	d.ResetOwned(bytes.Clone(data))
	owned := fresh(want)
	owned.Reset()
	owned.DecodeWire(&d)
	if d.Err() != nil || !reflect.DeepEqual(owned, got) {
		t.Errorf("owned: got %+v, %v", owned, d.Err())
	}
}

// normal returns m as text, in which empty and absent bytes are alike.
func normal(m wire.Message) string {
	b, err := wire.AppendFullJSON(nil, m)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// otherForms are bytes that an Encoder does not write and a Decoder reads.
var otherForms = map[string]struct {
	bytes string
	want  wire.Message
}{
	"the last one counts": {"10011002", &everything.Scalars{Small: 2}},
	"any order":           {"60011002", &everything.Scalars{Small: 2, Rounding: 1}},
	"unknown varint":      {"a006011002", &everything.Scalars{Small: 2}},
	"unknown 64 bits":     {"a10600000000000000001002", &everything.Scalars{Small: 2}},
	"unknown 32 bits":     {"a506010203041002", &everything.Scalars{Small: 2}},
	"unknown bytes":       {"a206036162631002", &everything.Scalars{Small: 2}},
	"unknown group":       {"a3010801a4011002", &everything.Scalars{Small: 2}},
	"groups in a row":     {"6b6c6b6c73746b6c1002", &everything.Scalars{Small: 2}},
	"group in a group": {
		"6bf3010801090000000000000000120161150000000013141b1cf4016c1002", &everything.Scalars{Small: 2},
	},
	"long form of a number": {"1082808000", &everything.Scalars{Small: 2}},
	"long form of a tag":    {"90800002", &everything.Scalars{Small: 2}},
	"int of more than 32":   {"1082808080f0ffffffff01", &everything.Scalars{Small: 2}},
	"bool of more than one": {"0880808010", &everything.Scalars{Truth: true}},
	"bools of 64 bits":      {"0a0b8080808080808080800101", &everything.Lists{Truth: []bool{true, true}}},
	"unpacked":              {"10011002", &everything.Lists{Small: []int32{1, 2}}},
	"packed in parts":       {"120101120102", &everything.Lists{Small: []int32{1, 2}}},
	"packed and not":        {"10011202020310041200", &everything.Lists{Small: []int32{1, 2, 3, 4}}},
	"unpacked bool":         {"08010800", &everything.Lists{Truth: []bool{true, false}}},
	"unpacked float":        {"350000803f3500000040", &everything.Lists{Ratio: []float32{1, 2}}},
	"unpacked double":       {"39000000000000f03f", &everything.Lists{Score: []float64{1}}},
	"unpacked enum":         {"60016000", &everything.Lists{Rounding: []everything.Rounding{1, 0}}},
	"messages merge": {
		"7a0210017a021803",
		&everything.Optionals{Next: &everything.Optionals{Small: new(int32(1)), Large: new(int64(3))}},
	},
	"same member of a union":  {"72031a016172031a0162", &everything.Optionals{Shape: common.ShapeName{Name: "b"}}},
	"other member of a union": {"72031a016172021200", &everything.Optionals{Shape: common.ShapeSquare{}}},
	"two members at once":     {"72051a01611200", &everything.Optionals{Shape: common.ShapeSquare{}}},
	"unknown member":          {"72033a0161", &everything.Optionals{}},
	"defaults in a union":     {"72050a03120162", &everything.Optionals{Shape: circle(1.5, "b")}},
	"members merge": {"72050a03120162720b0a09090000000000000040",
		&everything.Optionals{Shape: circle(2, "b")}},
	"entry without a key":   {"12021005", &everything.Maps{Small: map[string]int32{"": 5}}},
	"entry without a value": {"12030a0161", &everything.Maps{Small: map[string]int32{"a": 0}}},
	"entry without a message": {
		"6a030a0161", &everything.Maps{Defaults: map[string]everything.Defaults{"a": everything.NewDefaults()}},
	},
	"entry without a time": {
		"52030a0161", &everything.Maps{Seen: map[string]time.Time{"a": time.Unix(0, 0).UTC()}},
	},
	"entry without a union": {"72030a0161", &everything.Maps{Shapes: map[string]common.Shape{"a": nil}}},
	"entry the wrong way":   {"120510050a0161", &everything.Maps{Small: map[string]int32{"a": 5}}},
	"entries with one key":  {"12050a0161100112050a01611002", &everything.Maps{Small: map[string]int32{"a": 2}}},
	"defaults in a list":    {"6a021003", &everything.Lists{Defaults: []everything.Defaults{small(3)}}},
	"defaults in a pointer": {"6a021003", &everything.Optionals{Defaults: new(small(3))}},
}

func circle(radius float64, colour string) common.Shape {
	return common.ShapeCircle{Circle: common.Circle{Radius: radius, Colour: colour}}
}

func small(v int32) everything.Defaults {
	d := everything.NewDefaults()
	d.Small = v
	return d
}

func TestDecodeTakesOtherForms(t *testing.T) {
	t.Parallel()
	for name, tt := range otherForms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := hex.DecodeString(tt.bytes)
			if err != nil {
				t.Fatal(err)
			}
			got := fresh(tt.want)
			if err := wire.Unmarshal(data, got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	const tail = " is past the end of the message ("
	for name, tt := range map[string]struct {
		bytes string
		into  wire.Message
		want  string
	}{
		"length 2^31": {
			"4280808080080000", &everything.Scalars{}, "field 8: length 2147483648" + tail + "2 bytes left)",
		},
		"length 2^32-1": {
			"42ffffffff0f0000", &everything.Scalars{}, "field 8: length 4294967295" + tail + "2 bytes left)",
		},
		"length 2^63": {
			"4280808080808080808001", &everything.Scalars{},
			"field 8: length 9223372036854775808" + tail + "0 bytes left)",
		},
		"length -1": {
			"42ffffffffffffffffff01", &everything.Scalars{},
			"field 8: length 18446744073709551615" + tail + "0 bytes left)",
		},
		"length one too many":  {"420261", &everything.Scalars{}, "field 8: length 2" + tail + "1 bytes left)"},
		"beyond the inner one": {"6a03420361626364", &everything.Lists{}, "field 8: length 3" + tail + "1 bytes left)"},
		"unknown field": {
			"a206ffffffff0f", &everything.Scalars{}, "field 100: the message ends in the middle of a field",
		},
		"number of 65 bits": {
			"10ffffffffffffffffff02", &everything.Scalars{}, "field 2: the number takes more than 64 bits",
		},
		"number without end": {
			"10ffffffffffffffffffffffff", &everything.Scalars{}, "field 2: the number takes more than 64 bits",
		},
		"tag of 65 bits": {
			"ffffffffffffffffff0200", &everything.Scalars{}, "the tag of a field takes more than 64 bits",
		},
		"tag cut off":    {"80", &everything.Scalars{}, "the message ends in the middle of a field"},
		"field number 0": {"0001", &everything.Scalars{}, "field number 0 is not from 1 to 536870911"},
		"field number 2^29": {
			"808080801001", &everything.Scalars{}, "field number 536870912 is not from 1 to 536870911",
		},
		"wire type 6":          {"6e", &everything.Scalars{}, "field 13: there is no wire type 6"},
		"wire type 7":          {"6f", &everything.Scalars{}, "field 13: there is no wire type 7"},
		"end without a group":  {"6c", &everything.Scalars{}, "field 13: the end of a group that did not start"},
		"end of another group": {"6b14", &everything.Scalars{}, "field 2: the end of a group that did not start"},
		"group without end":    {"6b0801", &everything.Scalars{}, "the message ends in the middle of a field"},
		"field 0 in a group":   {"6b00006c", &everything.Scalars{}, "field number 0 is not from 1 to 536870911"},
		"int as a group": {
			"0b0c", &everything.Scalars{}, "field 1: wire type 3, want 0: the other side gives it another type",
		},
		"int as a string": {
			"120161", &everything.Scalars{}, "field 2: wire type 2, want 0: the other side gives it another type",
		},
		"string as an int": {
			"4001", &everything.Scalars{}, "field 8: wire type 0, want 2: the other side gives it another type",
		},
		"message as an int": {
			"6801", &everything.Optionals{}, "field 13: wire type 0, want 2: the other side gives it another type",
		},
		"union as an int": {
			"7001", &everything.Optionals{}, "field 14: wire type 0, want 2: the other side gives it another type",
		},
		"map as an int": {
			"0801", &everything.Maps{}, "field 1: wire type 0, want 2: the other side gives it another type",
		},
		"list as a float": {
			"1500000000", &everything.Lists{}, "field 2: wire type 5, want 0: the other side gives it another type",
		},
		"seven bytes double": {
			"3a0700000000000000", &everything.Lists{}, "field 7: 7 bytes are no list of numbers of 8 bytes each",
		},
		"five bytes float": {
			"32050000000000", &everything.Lists{}, "field 6: 5 bytes are no list of numbers of 4 bytes each",
		},
		"packed, cut off":      {"12020180", &everything.Lists{}, "field 2: the message ends in the middle of a field"},
		"packed bool, cut off": {"0a020180", &everything.Lists{}, "field 1: the message ends in the middle of a field"},
		"not UTF-8": {
			"420161" + "4202ff61", &everything.Scalars{}, `field 8: the string is not valid UTF-8`,
		},
		"half a rune": {
			"42096161616161616161c3", &everything.Scalars{}, `field 8: the string is not valid UTF-8`,
		},
		"surrogate": {
			"4203eda080", &everything.Scalars{}, `field 8: the string is not valid UTF-8`,
		},
		"duration too long": {
			"5a060880c8afa025", &everything.Scalars{},
			"field 11: a duration is beyond the 292 years that can be held",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := hex.DecodeString(tt.bytes)
			if err != nil {
				t.Fatal(err)
			}
			err = wire.Unmarshal(data, tt.into)
			if tt.want == "" && err == nil || err != nil && err.Error() == tt.want {
				return
			}
			t.Errorf("got  %v\nwant %s", err, tt.want)
		})
	}
}

// Each message cut at each byte is an error or, between two fields, a shorter message. What is cut is never read
// beyond its end.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for name, tt := range vectors {
		data, _ := hex.DecodeString(tt.bytes)
		for n := range data {
			cut := append(make([]byte, 0, n), data[:n]...)
			m := fresh(tt.message)
			if err := wire.Unmarshal(cut, m); err != nil {
				continue
			}
			if again, err := wire.Marshal(m); err != nil || len(again) > n {
				t.Errorf("%s cut to %d bytes gives %+v, %v", name, n, m, err)
			}
		}
	}
}

func TestMissingArgument(t *testing.T) {
	t.Parallel()
	var d wire.Decoder
	d.Reset(nil)
	d.Require(true, "num1")
	d.Require(false, "num2")
	d.Require(false, "num3")
	if d.Err() == nil || d.Err().Error() != `missing argument "num2"` {
		t.Error(d.Err())
	}
}

func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	for _, padding := range []int{0, 1 << 10, 100 << 10} {
		in := &everything.Lists{
			Ratio: make([]float32, padding),
			Name:  []string{"one", "two", strings.Repeat("three", 1000)},
			Token: [][]byte{[]byte("four"), []byte("five")},
		}
		data, err := wire.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var got everything.Lists
		if err := wire.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		clear(data)
		got.Token[0] = append(got.Token[0], "and more than fits into the copy"...)
		if !reflect.DeepEqual(got.Name, in.Name) || string(got.Token[1]) != "five" {
			t.Errorf("%d: got %.80v %s, want %.80v", padding, got.Name, got.Token, in.Name)
		}
	}
}

// A small string keeps no large payload alive.
func TestOwnedLargePayload(t *testing.T) {
	t.Parallel()
	in := &everything.Lists{Name: []string{"small"}, Token: [][]byte{bytes.Repeat([]byte("x"), 1<<20)}}
	data, err := wire.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var d wire.Decoder
	d.ResetOwned(data)
	var got everything.Lists
	got.DecodeWire(&d)
	if d.Err() != nil || got.Name[0] != "small" {
		t.Fatal(got.Name, d.Err())
	}
	if within(data, unsafe.StringData(got.Name[0])) {
		t.Error("the small string lies in the payload")
	}
	if !within(data, &got.Token[0][0]) {
		t.Error("the large bytes were copied")
	}
}

func within(data []byte, p *byte) bool {
	at, start := uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&data[0]))
	return at >= start && at < start+uintptr(len(data))
}

func TestDecodeAllocations(t *testing.T) {
	scalars := sample()
	scalars.Name, scalars.Token = "", nil
	texts := &everything.Lists{Name: []string{"a", "b", "c", "d"}, Token: [][]byte{{1}, {2}, {3}}}
	for name, tt := range map[string]struct {
		message wire.Message
		want    float64
	}{
		"scalars":           {scalars, 0},
		"strings and bytes": {sample(), 0}, // a place for the texts of many messages now and then
		"lists of them":     {texts, 2},
		"list of messages":  {&everything.Lists{Lists: make([]everything.Lists, 100)}, 1},
	} {
		data, err := wire.Marshal(tt.message)
		if err != nil {
			t.Fatal(err)
		}
		var d wire.Decoder
		m := fresh(tt.message)
		allocs := testing.AllocsPerRun(100, func() {
			d.Reset(data)
			m.Reset()
			m.DecodeWire(&d)
		})
		if d.Err() != nil || allocs != tt.want && !racing {
			t.Errorf("%s: %v allocations, want %v; %v", name, allocs, tt.want, d.Err())
		}
	}
}
