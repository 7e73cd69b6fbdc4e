package compat_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/compat"
	"github.com/yodelrpc/yodel/idl/schema"
)

// A compatCase is an old and a new definition, in a file calc.yodel, and the changes expected: reach, place and text
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
			for _, change := range compat.Compare(definition(t, "calc.yodel", c.old),
				definition(t, "calc.yodel", c.new)) {
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
		"new types":           {old: "int f()", new: "int f()\nstruct A {}\nenum E { X = 0 }"},
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

func TestAdditions(t *testing.T) {
	runCases(t, map[string]compatCase{
		"new field": {
			old: "struct A {}", new: "struct A { 1: int x }",
			want: []string{
				"basic, json: calc.A.x: it is new; over the basic protocol, a" +
					"nd servers in JSON, those who do not know it refuse it",
			},
		},
		"new value": {
			old: "enum E { X = 0 }", new: "enum E { X = 0, Y = 1 }",
			want: []string{
				"json: calc.E.Y: a new value; those who do not know it cannot" +
					" read its name in JSON",
			},
		},
		"new member": {
			old: "union U { 1: int x }", new: "union U { 1: int x, 2: int y }",
			want: []string{
				"basic, json: calc.U.y: it is new; over the basic protocol, a" +
					"nd servers in JSON, those who do not know it refuse it",
			},
		},
		"new method": {
			old: "int f()", new: "int f()\nint g()",
			want: []string{
				"go, python: calc.Calc.g: a new method, which handlers lack",
			},
		},
		"new optional param": {
			old: "int f(1:int a)", new: "int f(1:int a, 2:int? b)",
			want: []string{
				"go, python, basic, json: calc.Calc.f.b: a new parameter, which handlers have to take, and " +
					"which servers that do not know it refuse over the basic protocol and in JSON where it is " +
					"given",
			},
		},
		"new default param": {
			old: "int f(1:int a)", new: "int f(1:int a, 2:int b=1)",
			want: []string{
				"go, python, basic, json: calc.Calc.f.b: a new parameter, which handlers have to take, and " +
					"which servers that do not know it refuse over the basic protocol and in JSON where it is " +
					"given",
			},
		},
		"new list param": {
			old: "int f(1:int a)", new: "int f(1:int a, 2:list<int> b)",
			want: []string{
				"go, python, basic, json: calc.Calc.f.b: a new parameter, which handlers have to take, and " +
					"which servers that do not know it refuse over the basic protocol and in JSON where it is " +
					"given",
			},
		},
	})
}

func TestFieldChanges(t *testing.T) {
	runCases(t, map[string]compatCase{
		"removed": {
			old: "struct A { 1: int x, 2: int y }", new: "struct A { 1: int x }",
			want: []string{
				"go, python, basic, json: calc.A.y: it is gone, and who does not know it refuses it over the " +
					"basic protocol, and a server in JSON; its number may be used again",
			},
		},
		"removed and reserved": {
			old: "struct A { 1: int x, 2: int y }", new: "struct A { 1: int x, reserved 2 }",
			want: []string{
				"go, python, basic, json: calc.A.y: it is gone, and who does not know it refuses it over the " +
					"basic protocol, and a server in JSON",
			},
		},
		"reserved number used": {
			old: "struct A { reserved 2 }", new: "struct A { 2: int y }",
			want: []string{
				"basic, json, mux: calc.A.y: its number 2 was reserved, since something else had it once",
				"basic, json: calc.A.y: it is new; over the basic protocol, and servers in JSON, those who " +
					"do not know it refuse it",
			},
		},
		"number changed": {
			old: "struct A { 1: int x }", new: "struct A { 2: int x }",
			want: []string{
				"basic, mux: calc.A.x: the number changed from 1 to 2",
			},
		},
		"number reused": {
			old: "struct A { 1: int x }", new: "struct A { 1: string y }",
			want: []string{
				"go, python, basic, json, mux: calc.A.x: its number 1 now belongs to string y",
			},
		},
		"renamed": {
			old: "struct A { 1: int x }", new: "struct A { 1: int y }",
			want: []string{
				"go, python, json: calc.A.x: it is now named y; JSON has the name",
			},
		},
		"type changed": {
			old: "struct A { 1: int x }", new: "struct A { 1: string x }",
			want: []string{
				"go, python, basic, json, mux: calc.A.x: the type changed from int to string",
			},
		},
		"type widened": {
			old: "struct A { 1: int x }", new: "struct A { 1: long x }",
			want: []string{
				"go, basic, json, mux: calc.A.x: the type changed from int to long, which mux bears for some " +
					"values, and the basic protocol does not",
			},
		},
		"string to bytes": {
			old: "union U { 1: string x }", new: "union U { 1: bytes x }",
			want: []string{
				"go, python, basic, json, mux: calc.U.x: the type changed from string to bytes, which mux " +
					"bears for some values, and the basic protocol does not",
			},
		},
		"list of something else": {
			old: "struct A { 1: list<int> x }", new: "struct A { 1: list<string> x }",
			want: []string{
				"go, python, basic, json, mux: calc.A.x: the type changed from list<int> to list<string>",
			},
		},
		"one to many": {
			old: "struct A { 1: int x }", new: "struct A { 1: list<int> x }",
			want: []string{
				"go, python, basic, json, mux: calc.A.x: the type changed from int to list<int>",
			},
		},
		"map key": {
			old: "struct A { 1: map<int, bool> x }", new: "struct A { 1: map<long, bool> x }",
			want: []string{
				"go, python, basic, json, mux: calc.A.x: the type changed from map<int, bool> to map<long, " +
					"bool>",
			},
		},
		"now optional": {
			old: "struct A { 1: int x }", new: "struct A { 1: int? x }",
			want: []string{
				"go, meaning: calc.A.x: it is now optional, and reads otherwise where it is left off",
			},
		},
		"no longer optional": {
			old: "struct A { 1: int? x }", new: "struct A { 1: int x = 3 }",
			want: []string{
				"go, python, meaning: calc.A.x: it is no longer optional, and reads otherwise where it is " +
					"left off",
			},
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
			old: "struct A {}", new: "",
			want: []string{
				"go, python: calc.A: the type is gone",
			},
		},
		"type renamed": {
			old: "struct A { 1: int x }\nstruct B { 1: A a, 2: list<A> as_list }",
			new: "struct C { 1: string x }\nstruct B { 1: C a, 2: list<C> as_list }",
			want: []string{
				"go, python: calc.A: the type is now named calc.C",
				"go, python, basic, json, mux: calc.A.x: the type changed from int to string",
			},
		},
		"another type": {
			old: "struct A {}\nstruct B {}\nstruct C { 1: A a }", new: "struct A {}\nstruct B {}\nstruct C { 1: B a }",
			want: []string{
				"go, python, basic, json, mux: calc.C.a: the type changed from A to B",
			},
		},
		"struct to union": {
			old: "struct A { 1: int x }", new: "union A { 1: int x }",
			want: []string{
				"go, python, basic, json, mux: calc.A: it became a union, and was a struct",
			},
		},
		"enum number": {
			old: "enum E { X = 0, Y = 1 }", new: "enum E { X = 0, Y = 2 }",
			want: []string{
				"basic, mux: calc.E.Y: the number changed from 1 to 2",
			},
		},
		"enum value renamed": {
			old: "enum E { X = 0, Y = 1 }", new: "enum E { X = 0, Z = 1 }",
			want: []string{
				"go, python, json: calc.E.Y: the value is now named Z; JSON has the name",
			},
		},
		"enum value gone": {
			old: "enum E { X = 0, Y = 1 }", new: "enum E { X = 0 }",
			want: []string{
				"go, python, json: calc.E.Y: the value is gone, its name is not read in JSON any more, and " +
					"its number may be used again",
			},
		},
		"enum value gone and reserved": {
			old: "enum E { X = 0, Y = 1 }", new: "enum E { X = 0, reserved 1 }",
			want: []string{
				"go, python, json: calc.E.Y: the value is gone, and its name is not read in JSON any more",
			},
		},
		"enum number was reserved": {
			old: "enum E { X = 0, reserved 1 }", new: "enum E { X = 0, Y = 1 }",
			want: []string{
				"basic, json, mux: calc.E.Y: its number 1 was reserved, since something else had it once",
				"json: calc.E.Y: a new value; those who do not know it cannot read its name in JSON",
			},
		},
		"exception code": {
			old: "exception E {}", new: "@code(aborted) exception E {}",
			want: []string{"meaning: calc.E: the code changed from failed_precondition to aborted"},
		},
		"package": {
			old: "package a\nstruct A { 1: int x }\nint f(1:A a)",
			new: "package b\nstruct A { 1: int x }\nint f(1:A a)",
			want: []string{
				"go, mux: a: the package is now b, and with it the full names of methods, by which mux calls " +
					"them",
			},
		},
	})
}

func TestFileGone(t *testing.T) {
	t.Parallel()
	a, b := definition(t, "a.yodel", "int f()"), definition(t, "b.yodel", "int f()")
	changes := compat.Compare(append(a, b...), b)
	const want = "go, python, basic, json, mux: a.yodel: the file is gone, with all that it declares\n  help: keep it"
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
	if len(changes) != 1 || changes[0].Place != "calc" || changes[0].Reach != compat.Go|compat.Mux {
		t.Errorf("got %v", changes)
	}
}
