package wire_test

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/wire"
)

// The messages of these tests are what a generator would write, but without the wire format.

type color int32

const (
	red  color = 0
	blue color = 7
)

func (c color) String() string {
	switch c {
	case red:
		return "RED"
	case blue:
		return "DARK_BLUE"
	}
	return strconv.Itoa(int(c))
}

func (c *color) UnmarshalText(text []byte) error {
	for _, v := range []color{red, blue} {
		if v.String() == string(text) {
			*c = v
			return nil
		}
	}
	return fmt.Errorf("%q is no color, which are RED, DARK_BLUE", text)
}

var _ encoding.TextUnmarshaler = (*color)(nil)

type unwired struct{}

func (unwired) EncodeWire(*wire.Encoder) {}
func (unwired) DecodeWire(*wire.Decoder) {}

type point struct {
	unwired
	X     float64           `yodel:"1,x"`
	Y     float64           `yodel:"2,y"`
	Label *string           `yodel:"3,label"`
	Next  *point            `yodel:"4,next"`
	Kids  []point           `yodel:"5,kids"`
	Tags  map[string]string `yodel:"6,tags,sensitive"`
}

func (p *point) Reset() { *p = point{Y: 0.5} }

type shape interface{ isShape(shapePoint, shapeSize) }

type shapePoint struct {
	Point point `yodel:"1,point"`
}

type shapeSize struct {
	Size int32 `yodel:"4,the_size"`
}

func (shapePoint) isShape(shapePoint, shapeSize) {}
func (shapeSize) isShape(shapePoint, shapeSize)  {}

type all struct {
	unwired
	Blob   []byte           `yodel:"9,blob"`
	Yes    bool             `yodel:"1,yes"`
	Int    int32            `yodel:"2,an_int,required"`
	Long   int64            `yodel:"3,long"`
	Uint   uint32           `yodel:"4,uint"`
	Ulong  uint64           `yodel:"5,ulong"`
	Float  float32          `yodel:"6,float"`
	Double float64          `yodel:"7,double"`
	Text   string           `yodel:"8,text,sensitive"`
	When   time.Time        `yodel:"10,when"`
	Span   time.Duration    `yodel:"11,span"`
	Color  color            `yodel:"12,color"`
	At     point            `yodel:"13,at"`
	Shape  shape            `yodel:"14,shape"`
	Ints   []int32          `yodel:"15,ints"`
	Shapes []shape          `yodel:"16,shapes"`
	ByID   map[int64]point  `yodel:"17,by_id"`
	ByYes  map[bool]color   `yodel:"18,by_yes"`
	ByUint map[uint32]int64 `yodel:"19,by_uint"`
	Maybe  *int32           `yodel:"100,maybe"`
}

func (a *all) Reset() {
	*a = all{Long: -5, Text: "hi", Span: 1500 * time.Millisecond, Color: blue}
	a.At.Reset()
}

func newAll() *all {
	a := new(all)
	a.Reset()
	return a
}

func TestTypeDescribesFields(t *testing.T) {
	t.Parallel()
	typ := wire.TypeOf(newAll())
	var got []string
	for i := range typ.Fields {
		got = append(got, typ.Fields[i].String())
	}
	want := []string{
		"1:bool yes=false", "2:int an_int", "3:long long=-5", "4:uint uint=0", "5:ulong ulong=0", "6:float float=0",
		"7:double double=0", `8:string text="hi"`, `9:bytes blob=""`, "10:timestamp when", "11:duration span=1.5s",
		"12:color color=DARK_BLUE", "13:point at", "14:shape shape", "15:list<int> ints", "16:list<shape> shapes",
		"17:map<long, point> by_id", "18:map<bool, color> by_yes", "19:map<uint, long> by_uint", "100:int? maybe",
	}
	if !slices.Equal(got, want) {
		t.Errorf("fields are\n%q\nwant\n%q", got, want)
	}
	if typ != wire.TypeOf(newAll()) {
		t.Error("a second TypeOf made another type")
	}
}

func TestTypeFindsFields(t *testing.T) {
	t.Parallel()
	typ := wire.TypeOf(newAll())
	for number, name := range map[int]string{1: "yes", 9: "blob", 19: "by_uint", 100: "maybe"} {
		if f := typ.ByNumber(number); f == nil || f.Name != name {
			t.Errorf("ByNumber(%d) = %v, want %s", number, f, name)
		}
	}
	for _, number := range []int{-1, 0, 20, 99, 101, math.MaxInt} {
		if f := typ.ByNumber(number); f != nil {
			t.Errorf("ByNumber(%d) = %v, want nil", number, f)
		}
	}
	for _, name := range []string{"an_int", "anInt"} {
		if f := typ.ByName(name); f == nil || f.Number != 2 {
			t.Errorf("ByName(%s) = %v, want field 2", name, f)
		}
	}
	if typ.ByName("AnInt") != nil {
		t.Error("ByName took a name in another case")
	}
	shape := typ.ByName("shape").Type
	if f := shape.ByNumber(4); !shape.Union || f == nil || f.JSONName != "theSize" {
		t.Errorf("member 4 of the union = %v, want theSize", f)
	}
	if point := typ.ByName("at").Type; point.ByName("next").Type != point {
		t.Error("a type that holds itself is not the same type inside")
	}
}

func TestGetTellsWhatToWrite(t *testing.T) {
	t.Parallel()
	written := func(a *all) (names []string) {
		typ, v := wire.TypeOf(a), wire.ValueOf(a)
		for i := range typ.Fields {
			if _, write := typ.Fields[i].Get(v); write {
				names = append(names, typ.Fields[i].Name)
			}
		}
		return names
	}
	negativeZero := math.Copysign(0, -1)
	tests := map[string]struct {
		change func(*all)
		want   []string
	}{
		"required": {func(*all) {}, nil},
		"zero default": {
			func(a *all) { a.Long, a.Text, a.Span, a.Color = 0, "", 0, red },
			[]string{"long", "text", "span", "color"},
		},
		"negative zero": {
			func(a *all) { a.Float, a.Double = float32(negativeZero), negativeZero },
			[]string{"float", "double"},
		},
		"not a number":   {func(a *all) { a.Float = float32(math.NaN()) }, []string{"float"}},
		"empty":          {func(a *all) { a.Blob, a.Ints, a.ByID = []byte{}, []int32{}, map[int64]point{} }, nil},
		"present zero":   {func(a *all) { a.Maybe = new(int32) }, []string{"maybe"}},
		"struct":         {func(a *all) { a.At.Y = 0 }, []string{"at"}},
		"member of zero": {func(a *all) { a.Shape = shapeSize{} }, []string{"shape"}},
		"time of a zone": {func(a *all) { a.When = time.Time{}.Local() }, nil},
		"elements": {
			func(a *all) { a.Ints, a.ByYes = []int32{0}, map[bool]color{false: 0} },
			[]string{"ints", "by_yes"},
		},
		"deep and absent": {func(a *all) { a.At.Tags = map[string]string{} }, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAll()
			tt.change(a)
			got := slices.DeleteFunc(written(a), func(s string) bool { return s == "an_int" })
			if !slices.Equal(got, tt.want) {
				t.Errorf("to be written: %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFillSetsFields(t *testing.T) {
	t.Parallel()
	a := newAll()
	typ, v := wire.TypeOf(a), wire.ValueOf(a)
	fill := func(name string, read func(reflect.Value) error) {
		t.Helper()
		if err := typ.ByName(name).Fill(v, read); err != nil {
			t.Fatal(err)
		}
	}
	fill("maybe", func(place reflect.Value) error { place.SetInt(3); return nil })
	fill("color", func(place reflect.Value) error { return typ.ByName("color").SetEnum(place, "RED") })
	fill("when", func(place reflect.Value) error { wire.SetTime(place, time.Unix(1, 0)); return nil })
	fill("shape", func(place reflect.Value) error {
		point := typ.ByName("shape").Type.ByName("point")
		return point.Fill(place, func(place reflect.Value) error {
			return point.Type.ByName("x").Fill(place, func(place reflect.Value) error { place.SetFloat(1); return nil })
		})
	})
	fill("ints", func(place reflect.Value) error {
		for i := range 3 {
			set := func(place reflect.Value) error { place.SetInt(int64(i)); return nil }
			if err := typ.ByName("ints").Append(place, set); err != nil {
				return err
			}
		}
		return nil
	})
	byID := typ.ByName("by_id")
	key, elem := byID.NewEntry()
	key.SetInt(9)
	if !byID.Put(v.FieldByName("ByID"), key, elem) || byID.Put(v.FieldByName("ByID"), key, elem) {
		t.Error("Put does not tell a new key from an old one")
	}

	want := newAll()
	want.Maybe, want.Color, want.When, want.Ints = new(int32(3)), red, time.Unix(1, 0), []int32{0, 1, 2}
	want.Shape = shapePoint{point{X: 1, Y: 0.5}}
	want.ByID = map[int64]point{9: {Y: 0.5}}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("got  %+v\nwant %+v", a, want)
	}
}

func TestFillFailsWithoutTrace(t *testing.T) {
	t.Parallel()
	a := newAll()
	typ, v := wire.TypeOf(a), wire.ValueOf(a)
	failure := fmt.Errorf("failure")
	fail := func(reflect.Value) error { return failure }
	if err := typ.ByName("maybe").Fill(v, fail); err != failure || a.Maybe != nil {
		t.Errorf("error %v, value %v", err, a.Maybe)
	}
	shape := typ.ByName("shape")
	err := shape.Fill(v, func(place reflect.Value) error { return shape.Type.ByName("point").Fill(place, fail) })
	if err != failure || a.Shape != nil {
		t.Errorf("error %v, value %v", err, a.Shape)
	}
}

func TestScalarsDoNotAllocate(t *testing.T) {
	a := newAll()
	typ, v := wire.TypeOf(a), wire.ValueOf(a)
	names := strings.Fields("yes an_int long uint ulong float double text blob when at")
	sum := 0
	if n := testing.AllocsPerRun(100, func() {
		for _, name := range names {
			f := typ.ByName(name)
			if _, write := f.Get(v); write {
				sum++
			}
		}
		f := typ.ByName("an_int")
		_ = f.Fill(v, func(place reflect.Value) error { place.SetInt(int64(sum)); return nil })
	}); n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestFieldSet(t *testing.T) {
	t.Parallel()
	typ := wire.TypeOf(newAll())
	var seen wire.FieldSet
	if f := typ.Missing(&seen); f == nil || f.Name != "an_int" {
		t.Errorf("missing is %v, want an_int", f)
	}
	for i := range typ.Fields {
		if !seen.Add(&typ.Fields[i]) || seen.Add(&typ.Fields[i]) {
			t.Errorf("Add does not tell whether it saw %s before", typ.Fields[i].Name)
		}
	}
	if f := typ.Missing(&seen); f != nil {
		t.Errorf("missing is %v, want none", f)
	}
}

func TestSortedKeys(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   any
		want string
	}{
		"ints":    {map[int32]bool{3: true, -1: true, 0: true}, "[-1 0 3]"},
		"ulongs":  {map[uint64]bool{math.MaxUint64: true, 1: true}, "[1 18446744073709551615]"},
		"strings": {map[string]int{"b": 1, "": 2, "a": 3}, "[ a b]"},
		"bools":   {map[bool]int{true: 1, false: 2}, "[false true]"},
		"none":    {map[bool]int(nil), "[]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var keys []any
			for _, k := range wire.SortedKeys(reflect.ValueOf(tt.in)) {
				keys = append(keys, k.Interface())
			}
			if got := fmt.Sprint(keys); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
