package check_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/schema"
)

const calc = `// The calculator.
// It divides.

package acme.calc
import "common.yodel"

// How to round.
enum Rounding {
  HALF_EVEN = 0
  // Towards zero.
  @deprecated("use HALF_EVEN") DOWN = 1
  reserved 2, 5 to 7
}

struct Point {
  1: double x
  // Up.
  2: double y = 0.5
  3: string? label
  4: list<Point> children
  5: map<string, long> counts
  6: timestamp seen = "2020-02-29T13:00:00+01:00"
  7: duration span = 1m30s
  8: bytes raw = "\x00\xff"
  9: Rounding rounding = DOWN
  @sensitive 10: acme.common.Secret secret
  11: uint mask = 0xff
  12: float half = -5
  13: bool on = true
  14: Shape? shape
  16: double large = -0xffffffffffffffff
  15: double nothing = -0
  reserved 3000
}

union Shape { 1: Point point, 2: Rounding rounding, 3: string name }

@code(not_found)
exception NotFound { 1: string message = "nothing there", 2: long id }

service Calculator {
  // Divides.
  @idempotent @timeout(2s) @deprecated("multiply")
  float divide(
    // The dividend.
    1: int num1
    2: int num2 = 1
    3: list<int> more
    4: Point? origin
  ) => NotFound, HTTPError
  stream float ratios(1:string name, 2:stream int nums)
  void ping() => HTTPError
}

Shape? bare() => Lost
`

func calcFiles(t *testing.T) *schema.File {
	t.Helper()
	dir := fstest.MapFS{
		"a/calc.yodel":   {Data: []byte(calc)},
		"a/common.yodel": {Data: []byte("package acme.common\nstruct Secret { 1: string text }\nvoid x() => Lost\n")},
	}
	dir["a/b/calc.yodel"] = dir["a/calc.yodel"]
	dir["a/b/calc.yodel"].Data = []byte(strings.Replace(calc, "common.yodel", "../common.yodel", 1))
	files, diags := check.Files(loader(dir), "a/b/calc.yodel")
	if len(diags) > 0 {
		t.Fatal(diags.Error())
	}
	return files[0]
}

func TestFile(t *testing.T) {
	t.Parallel()
	f := calcFiles(t)
	if f.Path != "a/b/calc.yodel" || f.Package != "acme.calc" || f.Doc != "The calculator.\nIt divides." {
		t.Errorf("got path %q, package %q, documentation %q", f.Path, f.Package, f.Doc)
	}
	if len(f.Imports) != 1 || f.Imports[0].Path != "a/common.yodel" {
		t.Errorf("got imports %v", f.Imports)
	}
	var services []string
	for _, s := range f.Services {
		services = append(services, s.Name)
	}
	if !reflect.DeepEqual(services, []string{"Calculator", "Calc"}) {
		t.Errorf("got services %v", services)
	}
}

func TestEnum(t *testing.T) {
	t.Parallel()
	f := calcFiles(t)
	want := &schema.Enum{
		File: f, Name: "Rounding", Doc: "How to round.", Reserved: []int{2, 5, 6, 7},
		Values: []schema.EnumValue{
			{Name: "HALF_EVEN"},
			{Name: "DOWN", Number: 1, Doc: "Towards zero.", Deprecated: "use HALF_EVEN"},
		},
	}
	if !reflect.DeepEqual(f.Enums[0], want) {
		t.Errorf("got %+v", f.Enums[0])
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	f := calcFiles(t)
	point, rounding := f.Structs[0], f.Enums[0]
	scalar := func(k schema.Kind) *schema.Type { return &schema.Type{Kind: k} }
	want := []*schema.Field{
		{Number: 1, Name: "x", Type: scalar(schema.Double)},
		{Number: 2, Name: "y", Doc: "Up.", Type: scalar(schema.Double), Default: &schema.Value{Float: 0.5}},
		{Number: 3, Name: "label", Type: &schema.Type{Kind: schema.String, Optional: true}},
		{Number: 4, Name: "children", Type: &schema.Type{
			Kind: schema.List, Elem: &schema.Type{Kind: schema.StructType, Struct: point},
		}},
		{Number: 5, Name: "counts", Type: &schema.Type{
			Kind: schema.Map, Key: scalar(schema.String), Elem: scalar(schema.Long),
		}},
		{Number: 6, Name: "seen", Type: scalar(schema.Timestamp),
			Default: &schema.Value{Time: time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)}},
		{Number: 7, Name: "span", Type: scalar(schema.Duration), Default: &schema.Value{Duration: 90 * time.Second}},
		{Number: 8, Name: "raw", Type: scalar(schema.Bytes), Default: &schema.Value{Bytes: []byte{0, 0xff}}},
		{Number: 9, Name: "rounding", Type: &schema.Type{Kind: schema.EnumType, Enum: rounding},
			Default: &schema.Value{Enum: &rounding.Values[1]}},
		{Number: 10, Name: "secret", Sensitive: true,
			Type: &schema.Type{Kind: schema.StructType, Struct: f.Imports[0].Structs[0]}},
		{Number: 11, Name: "mask", Type: scalar(schema.Uint), Default: &schema.Value{Uint: 255}},
		{Number: 12, Name: "half", Type: scalar(schema.Float), Default: &schema.Value{Float: -5}},
		{Number: 13, Name: "on", Type: scalar(schema.Bool), Default: &schema.Value{Bool: true}},
		{Number: 14, Name: "shape", Type: &schema.Type{Kind: schema.UnionType, Union: f.Unions[0], Optional: true}},
		{Number: 15, Name: "nothing", Type: scalar(schema.Double), Default: &schema.Value{Float: math.Copysign(0, -1)}},
		{Number: 16, Name: "large", Type: scalar(schema.Double), Default: &schema.Value{Float: -math.MaxUint64}},
	}
	for i, w := range want {
		if got := point.Fields[i]; !reflect.DeepEqual(got, w) {
			t.Errorf("%s: got %+v, want %+v", w.Name, got, w)
		}
	}
	if nothing := point.Fields[len(want)-1].Default.Float; !math.Signbit(nothing) {
		t.Errorf("the default -0 became %v", nothing)
	}
	if len(point.Fields) != len(want) || !reflect.DeepEqual(point.Reserved, []int{3000}) {
		t.Errorf("got %d fields, reserved %v", len(point.Fields), point.Reserved)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	f := calcFiles(t)
	methods := f.Services[0].Methods
	divide, ratios, ping := methods[0], methods[1], methods[2]
	if divide.Doc != "Divides." || !divide.Idempotent || divide.Timeout != 2*time.Second ||
		divide.Deprecated != "multiply" {
		t.Errorf("got %+v", divide)
	}
	var required []bool
	for _, p := range divide.Params {
		required = append(required, p.Required)
	}
	if !reflect.DeepEqual(required, []bool{true, false, false, false}) || divide.Params[0].Doc != "The dividend." {
		t.Errorf("got required %v, documentation %q", required, divide.Params[0].Doc)
	}
	if !ratios.StreamResult || ratios.StreamParam != ratios.Params[1] || ratios.StreamParam.Required {
		t.Errorf("got %+v", ratios)
	}
	if ping.Result != nil || ping.Exceptions[0] != divide.Exceptions[1] || ping.Service != f.Services[0] {
		t.Errorf("got %+v", ping)
	}
	bare := f.Services[1].Methods[0]
	if bare.Result.Union != f.Unions[0] || bare.Exceptions[0] != f.Imports[0].Exceptions[0] {
		t.Errorf("got %+v", bare)
	}
}

func TestExceptions(t *testing.T) {
	t.Parallel()
	f := calcFiles(t)
	declared, implied := f.Exceptions[0], f.Exceptions[1]
	if declared.Code != "not_found" || len(declared.Fields) != 2 || declared.Implied {
		t.Errorf("got %+v", declared)
	}
	if implied.Name != "HTTPError" || !implied.Implied || implied.Fields[0].Default.String != "http error" {
		t.Errorf("got %+v", implied)
	}
}

func TestEachFileIsReadOnce(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{
		"top.yodel": {Data: []byte(
			"package p\nimport \"l.yodel\"\nimport \"./r.yodel\"\nstruct T { 1: L l, 2: R r }")},
		"l.yodel":    {Data: []byte("package p\nimport \"base.yodel\"\nstruct L { 1: Base b }")},
		"r.yodel":    {Data: []byte("package p\nimport \"x/../base.yodel\"\nstruct R { 1: Base b }")},
		"base.yodel": {Data: []byte("package p\nstruct Base {}")},
	}
	reads := map[string]int{}
	load := func(path string) ([]byte, error) {
		reads[path]++
		return loader(dir)(path)
	}
	files, diags := check.Files(load, "top.yodel", "./base.yodel")
	if len(diags) > 0 {
		t.Fatal(diags.Error())
	}
	want := map[string]int{"top.yodel": 1, "l.yodel": 1, "r.yodel": 1, "base.yodel": 1}
	if !reflect.DeepEqual(reads, want) {
		t.Errorf("got reads %v", reads)
	}
	if files[0].Imports[0].Imports[0] != files[1] || files[0].Imports[1].Imports[0] != files[1] {
		t.Error("the same file has two schemas")
	}
}

func TestImpliedTwiceInOneDirectory(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{
		"a.yodel": {Data: []byte("package p\nvoid a() => Failed")},
		"b.yodel": {Data: []byte("package p\nvoid b() => Failed")},
	}
	_, diags := check.Files(loader(dir), "a.yodel", "b.yodel")
	want := "b.yodel:2:13: the exception Failed and the exception Failed in a.yodel would both be Failed in " +
		"generated code"
	if len(diags) != 1 || !strings.HasPrefix(diags[0].String(), want) {
		t.Errorf("got %s", diags.Error())
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	load := func(string) ([]byte, error) { return nil, errors.New("disk on fire") }
	files, diags := check.Files(load, "a.yodel")
	const want = "a.yodel: cannot be read: disk on fire\n  help: check the path"
	if files != nil || len(diags) != 1 || diags[0].String() != want {
		t.Errorf("got %v and %s", files, diags.Error())
	}
}

func TestHostileSizes(t *testing.T) {
	t.Parallel()
	var chain strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&chain, "struct A%d { 1: A%d next, 2: A0 first }\n", i, i+1)
	}
	tests := map[string]string{
		"unknown types":  "struct A {\n" + strings.Repeat("1: Unknowm x\n", 70_000) + "}",
		"long circles":   chain.String(),
		"many of a name": strings.Repeat("struct B { 1: int a }\n", 40_000),
		"one long line":  "struct A { 1: int x" + strings.Repeat(" %", 400_000) + " }",
		"quotes":         strings.Repeat(`"`, 1_000_000),
		"nested types":   "struct A { 1: " + strings.Repeat("list<", 200_000) + " x }",
		"open braces":    strings.Repeat("struct A {\n", 90_000),
		"reserved":       "struct A { reserved 1 to 536870911 }",
		"over the limit": strings.Repeat(" ", 1<<20+1),
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := fstest.MapFS{"a.yodel": {Data: []byte(text)}}
			begin := time.Now()
			_, diags := check.Files(loader(dir), "a.yodel")
			if diags.Err() == nil || len(diags) > 1001 {
				t.Errorf("got %d diagnostics", len(diags))
			}
			if took := time.Since(begin); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
