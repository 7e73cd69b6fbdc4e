package wire_test

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/internal/everything/common"
	"github.com/yodelrpc/yodel/wire"
)

// vectors are messages and their bytes in hexadecimal, which other implementations of the format agree with.
var vectors = map[string]struct {
	message wire.Message
	bytes   string
}{
	"nothing":           {&everything.Scalars{}, ""},
	"bool":              {&everything.Scalars{Truth: true}, "0801"},
	"int":               {&everything.Scalars{Small: 150}, "109601"},
	"negative int":      {&everything.Scalars{Small: -1}, "10ffffffffffffffffff01"},
	"smallest long":     {&everything.Scalars{Large: math.MinInt64}, "1880808080808080808001"},
	"uint":              {&everything.Scalars{Count: math.MaxUint32}, "20ffffffff0f"},
	"ulong":             {&everything.Scalars{Hash: 127}, "287f"},
	"float":             {&everything.Scalars{Ratio: 2}, "3500000040"},
	"double":            {&everything.Scalars{Score: 1}, "39000000000000f03f"},
	"minus zero":        {&everything.Scalars{Score: math.Copysign(0, -1)}, "390000000000000080"},
	"string":            {&everything.Scalars{Name: "testing"}, "420774657374696e67"},
	"string, not ASCII": {&everything.Scalars{Name: "ü"}, "4202c3bc"},
	"bytes":             {&everything.Scalars{Token: []byte{0, 255}}, "4a0200ff"},
	"timestamp":         {&everything.Scalars{Seen: time.Unix(1, 2).UTC()}, "520408011002"},
	"before 1970":       {&everything.Scalars{Seen: time.Unix(-1, 5).UTC()}, "520d08ffffffffffffffffff011005"},
	"1970":              {&everything.Scalars{Seen: time.Unix(0, 0).UTC()}, "5200"},
	"duration":          {&everything.Scalars{Lasted: 1500 * time.Millisecond}, "5a0808011080cab5ee01"},
	"enum":              {&everything.Scalars{Rounding: everything.RoundingDown}, "6001"},
	"unknown enum":      {&everything.Scalars{Rounding: 9}, "6009"},
	"present and zero":  {&everything.Optionals{Small: new(int32(0)), Name: new("")}, "10004200"},
	"empty message":     {&everything.Optionals{Next: new(everything.Optionals)}, "7a00"},
	"packed":            {&everything.Lists{Small: []int32{3, 270, 86942}}, "1206038e029ea705"},
	"packed bool":       {&everything.Lists{Truth: []bool{true, false}}, "0a020100"},
	"packed float":      {&everything.Lists{Ratio: []float32{1, 2}}, "32080000803f00000040"},
	"packed double":     {&everything.Lists{Score: []float64{1}}, "3a08000000000000f03f"},
	"packed enum":       {&everything.Lists{Rounding: []everything.Rounding{1, -1}}, "620b01ffffffffffffffffff01"},
	"strings":           {&everything.Lists{Name: []string{"a", ""}}, "4201614200"},
	"empty messages":    {&everything.Lists{Lists: make([]everything.Lists, 2)}, "7a007a00"},
	"map":               {&everything.Maps{Small: map[string]int32{"a": 1}}, "12050a01611001"},
	"map of messages":   {&everything.Maps{Maps: map[string]everything.Maps{"": {}}}, "7a040a001200"},
	"union": {
		&everything.Node{Defaults: everything.NewDefaults(), Circle: common.NewCircle(),
			Value: everything.ValueSmall{}},
		"3a021000",
	},
	"high numbers": {
		node(func(n *everything.Node) { n.Sixteen, n.Big, n.Biggest = 1, 2, 3 }), "800101f87f02f8ffffff0f03",
	},
	"default is off": {new(everything.NewDefaults()), ""},
	"zero is not": {
		&everything.Defaults{}, "0800100018002000280035000000003900000000000000004200" + "4a00" + "5a006000",
	},
}

func node(change func(*everything.Node)) *everything.Node {
	n := new(everything.Node)
	n.Reset()
	change(n)
	return n
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for name, tt := range vectors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.Marshal(tt.message)
			if err != nil {
				t.Fatal(err)
			}
			if h := hex.EncodeToString(got); h != tt.bytes {
				t.Fatalf("got  %s\nwant %s", h, tt.bytes)
			}
			checkReadsBack(t, tt.message, got)
		})
	}
}

// A field is written the same whether the buffer has plenty of room, just enough, or none.
func TestBuffersWithoutRoom(t *testing.T) {
	t.Parallel()
	for name, tt := range vectors {
		want, _ := hex.DecodeString(tt.bytes)
		for room := range len(want) + 2 {
			prefix := append(make([]byte, 0, 3+room), "abc"...)
			got, err := wire.Append(prefix, tt.message)
			if err != nil || !bytes.Equal(got, append([]byte("abc"), want...)) {
				t.Errorf("%s with room for %d bytes: %x, %v", name, room, got, err)
			}
		}
	}
}

func TestLongMessagesInOneAnother(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 100, 127, 128, 129, 16 << 10, 3 << 20} {
		inner := node(func(n *everything.Node) { n.Label = strings.Repeat("x", size) })
		outer := node(func(n *everything.Node) { n.Left = inner; n.Children = []everything.Node{*inner, *inner} })
		got, err := wire.Marshal(outer)
		if err != nil {
			t.Fatal(err)
		}
		checkReadsBack(t, outer, got)
	}
}

func TestEncodeErrors(t *testing.T) {
	t.Parallel()
	itself := new(everything.Optionals)
	itself.Next = itself
	branches := make([]everything.Lists, 50)
	for i := range branches {
		branches[i].Lists = branches
	}
	keys := map[string]everything.Maps{"": {}}
	keys[""] = everything.Maps{Maps: keys}
	const deep = "messages stand more than 100 deep in one another; does one contain itself?"
	for name, tt := range map[string]struct {
		message wire.Message
		want    string
	}{
		"short string": {&everything.Scalars{Name: "a\xff"},
			`name: the string is not valid UTF-8; declare it as bytes`},
		"string": {
			&everything.Scalars{Name: "abcdefgh\xc3"}, "name: the string is not valid UTF-8",
		},
		"long string": {
			&everything.Scalars{Name: strings.Repeat("a", 200) + "\x80"}, "name: the string is not valid UTF-8",
		},
		"list of strings": {
			&everything.Lists{Name: []string{"", "\xff"}}, `name[1]: the string is not valid UTF-8`,
		},
		"key": {
			&everything.Maps{Small: map[string]int32{"\xff": 1}}, `small["\xff"]: the string is not valid UTF-8`,
		},
		"pointer": {itself, "field 15: " + deep},
		"list":    {&everything.Lists{Lists: branches}, "field 15: " + deep},
		"map":     {&everything.Maps{Maps: keys}, "field 2: " + deep},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := wire.Marshal(tt.message); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestEncodeDoesNotAllocate(t *testing.T) {
	messages := []wire.Message{sample(), node(func(n *everything.Node) { n.Children = make([]everything.Node, 10) })}
	buffer := make([]byte, 0, 4<<10)
	var e wire.Encoder
	for _, m := range messages {
		allocs := testing.AllocsPerRun(100, func() {
			e.Reset(buffer)
			m.EncodeWire(&e)
			if _, err := e.Bytes(); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%T: %v allocations", m, allocs)
		}
	}
}

// sample has each simple field set.
func sample() *everything.Scalars {
	return &everything.Scalars{
		Truth: true, Small: -5, Large: 1 << 40, Count: 7, Hash: math.MaxUint64, Ratio: 0.5, Score: 1e300,
		Name: "a name, nöt all ASCII", Token: []byte("token"), Seen: time.Unix(1e9, 5).UTC(), Lasted: -time.Minute,
		Rounding: everything.RoundingDown,
	}
}
