package compat_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/compat"
	"github.com/yodelrpc/yodel/idl/schema"
)

// A compatCase is an old and a new definition, in a file calc.yodel, and the changes expected: kind, place and text
// as Change.String gives them, without the remedy.
type compatCase struct {
	old, new string
	want     []string
}

func runCases(t *testing.T, cases map[string]compatCase) {
	t.Helper()
	t.Parallel()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, change := range compat.Compare(definition(t, "calc.yodel", c.old), definition(t, "calc.yodel", c.new)) {
				line, _, _ := strings.Cut(change.String(), "\n")
				got = append(got, line)
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func definition(t *testing.T, path, text string) []*schema.File {
	t.Helper()
	files, diags := check.Files(func(p string) ([]byte, error) {
		if p != path {
			return nil, errors.New("no such file")
		}
		return []byte(text), nil
	}, path)
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFine(t *testing.T) {
	runCases(t, map[string]compatCase{
		"nothing":             {old: "int f(1:int a)", new: "int f(1:int a)"},
		"new method":          {old: "int f()", new: "int f()\nint g()"},
		"new types":           {old: "int f()", new: "int f()\nstruct A {}\nenum E { X = 0 }"},
		"new field":           {old: "struct A {}", new: "struct A { 1: int x }"},
		"new member":          {old: "union U { 1: int x }", new: "union U { 1: int x, 2: int y }"},
		"new value":           {old: "enum E { X = 0 }", new: "enum E { X = 0, Y = 1 }"},
		"new default param":   {old: "int f(1:int a)", new: "int f(1:int a, 2:int b=1)"},
		"new optional param":  {old: "int f(1:int a)", new: "int f(1:int a, 2:int? b)"},
		"new list param":      {old: "int f(1:int a)", new: "int f(1:int a, 2:list<int> b)"},
		"now idempotent":      {old: "int f()", new: "@idempotent\nint f()"},
		"now deprecated":      {old: "int f()", new: "@deprecated(\"no\")\nint f()"},
		"now sensitive":       {old: "struct A { 1: int x }", new: "struct A { @sensitive 1: int x }"},
		"fields in any order": {old: "struct A { 1: int x, 2: int y }", new: "struct A { 2: int y, 1: int x }"},
		"spelled-out default": {old: "struct A { 1: int x }", new: "struct A { 1: int x = 0 }"},
		"declared what was implied": {
			old: "int f() => Bad", new: "exception Bad { 1: string message = \"bad\" }\nint f() => Bad",
		},
		"number reserved": {old: "struct A { 1: int x }", new: "struct A { 1: int x, reserved 2 }"},
	})
}

func TestFieldChanges(t *testing.T) {
	runCases(t, map[string]compatCase{
		"removed": {
			old: "struct A { 1: int x, 2: int y }", new: "struct A { 1: int x }",
			want: []string{"wire: calc.A.y: it is gone, and its number may be used again"},
		},
		"removed and reserved": {
			old: "struct A { 1: int x, 2: int y }", new: "struct A { 1: int x, reserved 2 }",
			want: []string{"source: calc.A.y: it is gone; the basic protocol answers those who still send it with an error"},
		},
		"reserved number used": {
			old: "struct A { reserved 2 }", new: "struct A { 2: int y }",
			want: []string{"wire: calc.A.y: its number 2 was reserved, since something else had it once"},
		},
		"number changed": {
			old: "struct A { 1: int x }", new: "struct A { 2: int x }",
			want: []string{"wire: calc.A.x: the number changed from 1 to 2"},
		},
		"number reused": {
			old: "struct A { 1: int x }", new: "struct A { 1: string y }",
			want: []string{"wire: calc.A.x: its number 1 now belongs to string y"},
		},
		"renamed": {
			old: "struct A { 1: int x }", new: "struct A { 1: int y }",
			want: []string{"source: calc.A.x: it is now named y; programs that speak JSON write the old name"},
		},
		"type changed": {
			old: "struct A { 1: int x }", new: "struct A { 1: string x }",
			want: []string{"wire: calc.A.x: the type changed from int to string"},
		},
		"type widened": {
			old: "struct A { 1: int x }", new: "struct A { 1: long x }",
			want: []string{"wire: calc.A.x: the type changed from int to long, " +
				"which protobuf's wire format may bear but the basic protocol does not"},
		},
		"string to bytes": {
			old: "union U { 1: string x }", new: "union U { 1: bytes x }",
			want: []string{"wire: calc.U.x: the type changed from string to bytes, " +
				"which protobuf's wire format may bear but the basic protocol does not"},
		},
		"list of something else": {
			old: "struct A { 1: list<int> x }", new: "struct A { 1: list<string> x }",
			want: []string{"wire: calc.A.x: the type changed from list<int> to list<string>"},
		},
		"one to many": {
			old: "struct A { 1: int x }", new: "struct A { 1: list<int> x }",
			want: []string{"wire: calc.A.x: the type changed from int to list<int>"},
		},
		"map key": {
			old: "struct A { 1: map<int, bool> x }", new: "struct A { 1: map<long, bool> x }",
			want: []string{"wire: calc.A.x: the type changed from map<int, bool> to map<long, bool>"},
		},
		"now optional": {
			old: "struct A { 1: int x }", new: "struct A { 1: int? x }",
			want: []string{"source: calc.A.x: it is now optional"},
		},
		"no longer optional": {
			old: "struct A { 1: int? x }", new: "struct A { 1: int x = 3 }",
			want: []string{"source: calc.A.x: it is no longer optional"},
		},
		"default changed": {
			old: "struct A { 1: int x = 1 }", new: "struct A { 1: int x = 2 }",
			want: []string{"meaning: calc.A.x: where it is left off, it was read as 1 and is now read as 2"},
		},
		"default added": {
			old: "struct A { 1: string x }", new: "struct A { 1: string x = \"a\" }",
			want: []string{`meaning: calc.A.x: where it is left off, it was read as "" and is now read as "a"`},
		},
		"default duration changed": {
			old: "struct A { 1: duration x = 60s }", new: "struct A { 1: duration x = 90s }",
			want: []string{"meaning: calc.A.x: where it is left off, it was read as 1m0s and is now read as 1m30s"},
		},
		"no longer sensitive": {
			old: "struct A { @sensitive 1: int x }", new: "struct A { 1: int x }",
			want: []string{"meaning: calc.A.x: it is no longer @sensitive, so that logs show it"},
		},
	})
}

func TestTypeChanges(t *testing.T) {
	runCases(t, map[string]compatCase{
		"type gone": {
			old: "struct A {}", new: "", want: []string{"source: calc.A: the type is gone"},
		},
		"type renamed": {
			old: "struct A { 1: int x }\nstruct B { 1: A a, 2: list<A> as_list }",
			new: "struct C { 1: string x }\nstruct B { 1: C a, 2: list<C> as_list }",
			want: []string{
				"source: calc.A: the type is now named calc.C",
				"wire: calc.A.x: the type changed from int to string",
			},
		},
		"another type": {
			old: "struct A {}\nstruct B {}\nstruct C { 1: A a }", new: "struct A {}\nstruct B {}\nstruct C { 1: B a }",
			want: []string{"wire: calc.C.a: the type changed from A to B"},
		},
		"struct to union": {
			old: "struct A { 1: int x }", new: "union A { 1: int x }",
			want: []string{"wire: calc.A: it became a union, and was a struct"},
		},
		"enum number": {
			old: "enum E { X = 0, Y = 1 }", new: "enum E { X = 0, Y = 2 }",
			want: []string{"wire: calc.E.Y: the number changed from 1 to 2"},
		},
		"enum value renamed": {
			old: "enum E { X = 0, Y = 1 }", new: "enum E { X = 0, Z = 1 }",
			want: []string{"source: calc.E.Y: the value is now named Z; programs that speak JSON write the old name"},
		},
		"enum value gone": {
			old: "enum E { X = 0, Y = 1 }", new: "enum E { X = 0 }",
			want: []string{"wire: calc.E.Y: the value is gone, and its number may be used again"},
		},
		"enum value gone and reserved": {
			old: "enum E { X = 0, Y = 1 }", new: "enum E { X = 0, reserved 1 }",
			want: []string{"source: calc.E.Y: the value is gone"},
		},
		"enum number was reserved": {
			old: "enum E { X = 0, reserved 1 }", new: "enum E { X = 0, Y = 1 }",
			want: []string{"wire: calc.E.Y: its number 1 was reserved, since something else had it once"},
		},
		"exception code": {
			old: "exception E {}", new: "@code(aborted) exception E {}",
			want: []string{"meaning: calc.E: the code changed from failed_precondition to aborted"},
		},
		"package": {
			old: "package a\nstruct A { 1: int x }\nint f(1:A a)", new: "package b\nstruct A { 1: int x }\nint f(1:A a)",
			want: []string{"wire: a: the package is now b, and with it the full name of every method"},
		},
	})
}

func TestMethodChanges(t *testing.T) {
	runCases(t, map[string]compatCase{
		"service gone": {
			old: "service S { void f() }", new: "service T { void f() }",
			want: []string{"wire: calc.S: the service is gone or renamed"},
		},
		"method renamed": {
			old: "void f()", new: "void g()", want: []string{"wire: calc.Calc.f: the method is gone or renamed"},
		},
		"result type": {
			old: "int f()", new: "string f()", want: []string{"wire: calc.Calc.f: the result changed from int to string"},
		},
		"result from void": {
			old: "void f()", new: "int f()", want: []string{"wire: calc.Calc.f: the result changed from void to int"},
		},
		"result optional": {
			old: "int f()", new: "int? f()",
			want: []string{"wire: calc.Calc.f: the result is now optional, which the basic protocol writes otherwise"},
		},
		"result stream": {
			old: "int f()", new: "stream int f()", want: []string{"wire: calc.Calc.f: the result is now a stream"},
		},
		"param stream": {
			old: "int f(1:stream int a)", new: "int f(1:int a)",
			want: []string{"wire: calc.Calc.f.a: it is no longer a stream"},
		},
		"param required": {
			old: "int f()", new: "int f(1:int a)",
			want: []string{"wire: calc.Calc.f.a: a new parameter that is required; " +
				"those who do not know it cannot call the method"},
		},
		"param gone": {
			old: "int f(1:int a, 2:int b=1)", new: "int f(1:int a)",
			want: []string{"wire: calc.Calc.f.b: the parameter is gone; " +
				"the basic protocol answers those who still send it with an error"},
		},
		"param number": {
			old: "int f(1:int a)", new: "int f(2:int a)",
			want: []string{"wire: calc.Calc.f.a: the number changed from 1 to 2"},
		},
		"param renamed": {
			old: "int f(1:int a)", new: "int f(1:int b)",
			want: []string{"source: calc.Calc.f.a: it is now named b; programs that speak JSON write the old name"},
		},
		"param default removed": {
			old: "int f(1:int a=1)", new: "int f(1:int a)",
			want: []string{"wire: calc.Calc.f.a: it may no longer be left off; those who do cannot call the method"},
		},
		"param default added": {
			old: "int f(1:int a)", new: "int f(1:int a=1)",
			want: []string{"source: calc.Calc.f.a: it may now be left off, so that generated code takes it as an option"},
		},
		"param default changed": {
			old: "int f(1:int a=1)", new: "int f(1:int a=2)",
			want: []string{"meaning: calc.Calc.f.a: where it is left off, it was read as 1 and is now read as 2"},
		},
		"param optional to default": {
			old: "int f(1:int? a)", new: "int f(1:int a=2)",
			want: []string{"source: calc.Calc.f.a: it is no longer optional"},
		},
		"params in another order":   {old: "int f(1:int a, 2:int b, 3:int c=1)", new: "int f(2:int b, 3:int c=1, 1:int a)"},
		"defaults in another order": {old: "int f(1:int a=1, 2:int b=1)", new: "int f(2:int b=1, 1:int a=1)"},
		"default in front":          {old: "int f(1:int a, 2:int b=1)", new: "int f(2:int b=1, 1:int a)"},
		"no longer idempotent": {
			old: "@idempotent\nint f()", new: "int f()",
			want: []string{"meaning: calc.Calc.f: it is no longer @idempotent, " +
				"so that callers do not repeat it after a failure"},
		},
		"timeout": {
			old: "@timeout(1s)\nint f()", new: "@timeout(2s)\nint f()",
			want: []string{"meaning: calc.Calc.f: the timeout changed from 1s to 2s"},
		},
		"new timeout": {
			old: "int f()", new: "@timeout(2s)\nint f()",
			want: []string{"meaning: calc.Calc.f: it now has a timeout, of 2s"},
		},
		"timeout gone": {
			old: "@timeout(90s)\nint f()", new: "int f()",
			want: []string{"meaning: calc.Calc.f: it no longer has a timeout, which was 1m30s"},
		},
	})
}

func TestExceptionLists(t *testing.T) {
	runCases(t, map[string]compatCase{
		"added last": {
			old: "int f() => Lost", new: "int f() => Lost, Refused",
			want: []string{"meaning: calc.Calc.f: the method may now answer with the exception Refused, " +
				"which those built before take for an error of the system"},
		},
		"added first": {
			old: "int f() => Lost", new: "int f() => Refused, Lost",
			want: []string{
				"wire: calc.Calc.f.Lost: its number in the basic protocol, which goes by the order, changed from 2 to 3",
				"meaning: calc.Calc.f: the method may now answer with the exception Refused, " +
					"which those built before take for an error of the system",
			},
		},
		"swapped": {
			old: "int f() => Lost, Refused", new: "int f() => Refused, Lost",
			want: []string{
				"wire: calc.Calc.f.Lost: its number in the basic protocol, which goes by the order, changed from 2 to 3",
				"wire: calc.Calc.f.Refused: its number in the basic protocol, which goes by the order, changed from 3 to 2",
			},
		},
		"last one gone": {
			old: "int f() => Lost, Refused", new: "exception Refused { 1: string message = \"refused\" }\nint f() => Lost",
			want: []string{"meaning: calc.Calc.f.Refused: the method no longer answers with the exception"},
		},
		"first one gone": {
			old: "int f() => Lost, Refused", new: "exception Lost { 1: string message = \"lost\" }\nint f() => Refused",
			want: []string{
				"wire: calc.Calc.f.Lost: the exception is gone and Refused has its number in the basic protocol, 2",
				"wire: calc.Calc.f.Refused: its number in the basic protocol, which goes by the order, changed from 3 to 2",
			},
		},
		"renamed": {
			old: "int f() => Lost", new: "int f() => Missing",
			want: []string{
				"wire: calc.Lost: the exception is now named calc.Missing; all protocols but the basic one send the name",
				`meaning: calc.Lost.message: where it is left off, it was read as "lost" and is now read as "missing"`,
			},
		},
	})
}

func TestFileGone(t *testing.T) {
	t.Parallel()
	a, b := definition(t, "a.yodel", "int f()"), definition(t, "b.yodel", "int f()")
	changes := compat.Compare(append(a, b...), b)
	const want = "wire: a.yodel: the file is gone, with all that it declares\n  help: keep it"
	if len(changes) != 1 || changes[0].String() != want {
		t.Errorf("got %v", changes)
	}
}

func TestSingleFilesAreCounterparts(t *testing.T) {
	t.Parallel()
	old := definition(t, "old/calc.yodel", "package calc\nservice S { int f() }")
	changes := compat.Compare(old, definition(t, "next.yodel", "package calc\nservice S { int f() }"))
	if len(changes) != 0 {
		t.Errorf("got %v", changes)
	}
	changes = compat.Compare(old, definition(t, "next.yodel", "package next\nservice S { int f() }"))
	if len(changes) != 1 || changes[0].Place != "calc" || changes[0].Kind != compat.Wire {
		t.Errorf("got %v", changes)
	}
}
