package compat_test

import "testing"

func TestMethodChanges(t *testing.T) {
	runCases(t, map[string]compatCase{
		"service gone": {
			old: "service S { void f() }", new: "service T { void f() }",
			want: []string{
				"go, python, basic, json, mux: calc.S: the service is gone or renamed",
			},
		},
		"method renamed": {
			old: "void f()", new: "void g()",
			want: []string{
				"go, python, basic, json, mux: calc.Calc.f: the method is gone or renamed",
				"go, python: calc.Calc.g: a new method, which handlers lack",
			},
		},
		"result type": {
			old: "int f()", new: "string f()",
			want: []string{
				"go, python, basic, json, mux: calc.Calc.f: the type changed from int to string",
			},
		},
		"result from void": {
			old: "void f()", new: "int f()",
			want: []string{
				"go, python, basic: calc.Calc.f: the result changed from void to int; over the basic " +
					"protocol callers may wait for bytes that nobody sends",
			},
		},
		"result optional": {
			old: "int f()", new: "int? f()",
			want: []string{
				"go, basic, meaning: calc.Calc.f: the result is now optional, which the basic protocol " +
					"writes otherwise",
			},
		},
		"result stream": {
			old: "int f()", new: "stream int f()",
			want: []string{
				"go, python, basic, json, mux: calc.Calc.f: the result is now a stream",
			},
		},
		"param stream": {
			old: "int f(1:stream int a)", new: "int f(1:int a)",
			want: []string{
				"go, python, basic, json, mux: calc.Calc.f.a: it is no longer a stream",
			},
		},
		"param required": {
			old: "int f()", new: "int f(1:int a)",
			want: []string{
				"go, python, basic, json, mux: calc.Calc.f.a: a new parameter that is required; those who do " +
					"not know it cannot call the method",
			},
		},
		"param gone": {
			old: "int f(1:int a, 2:int b=1)", new: "int f(1:int a)",
			want: []string{
				"go, python, basic, json: calc.Calc.f.b: the parameter is gone; those who still send it are " +
					"refused over the basic protocol and in JSON",
			},
		},
		"param number": {
			old: "int f(1:int a)", new: "int f(2:int a)",
			want: []string{
				"basic, mux: calc.Calc.f.a: the number changed from 1 to 2",
			},
		},
		"param renamed": {
			old: "int f(1:int a)", new: "int f(1:int b)",
			want: []string{
				"python, json: calc.Calc.f.a: it is now named b; JSON has the name",
			},
		},
		"param default removed": {
			old: "int f(1:int a=1)", new: "int f(1:int a)",
			want: []string{
				"go, python, basic, json, mux: calc.Calc.f.a: it may no longer be left off; those who do " +
					"cannot call the method",
			},
		},
		"param default added": {
			old: "int f(1:int a)", new: "int f(1:int a=1)",
			want: []string{
				"go, python, basic, json, mux: calc.Calc.f.a: it may now be left off, so that generated code " +
					"takes it as an option; servers that were built before refuse calls without it",
			},
		},
		"param default changed": {
			old: "int f(1:int a=1)", new: "int f(1:int a=2)",
			want: []string{"meaning: calc.Calc.f.a: where it is left off, it was read as 1 and is now read as 2"},
		},
		"param optional to default": {
			old: "int f(1:int? a)", new: "int f(1:int a=2)",
			want: []string{
				"go, python, meaning: calc.Calc.f.a: it is no longer optional, and reads otherwise where it " +
					"is left off",
			},
		},
		"params in another order": {old: "int f(1:int a, 2:int b, 3:int c=1)",
			new: "int f(2:int b, 3:int c=1, 1:int a)"},
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
				"basic, mux: calc.Calc.f.Lost: its number, which goes by the order, changed from 2 to 3",
				"meaning: calc.Calc.f: the method may now answer with the exception Refused, which those " +
					"built before take for an error of the system",
			},
		},
		"swapped": {
			old: "int f() => Lost, Refused", new: "int f() => Refused, Lost",
			want: []string{
				"basic, mux: calc.Calc.f.Lost: its number, which goes by the order, changed from 2 to 3",
				"basic, mux: calc.Calc.f.Refused: its number, which goes by the order, changed from 3 to 2",
			},
		},
		"last one gone": {
			old: "int f() => Lost, Refused",
			new: "exception Refused { 1: string message = \"refused\" }\nint f() => Lost",
			want: []string{
				"go, python, meaning: calc.Calc.f.Refused: the method no longer answers with the exception; " +
					"in handlers that do, it is an error of the system",
			},
		},
		"first one gone": {
			old: "int f() => Lost, Refused", new: "exception Lost { 1: string message = \"lost\" }\nint f() => Refused",
			want: []string{
				"go, python, basic, mux, meaning: calc.Calc.f.Lost: the exception is gone and Refused has " +
					"its number, 2",
				"basic, mux: calc.Calc.f.Refused: its number, which goes by the order, changed from 3 to 2",
			},
		},
		"renamed": {
			old: "int f() => Lost", new: "int f() => Missing",
			want: []string{
				"go, python, json: calc.Lost: the exception is now named calc.Missing; JSON has the name",
				"meaning: calc.Lost.message: where it is left off, it was read as \"lost\" and is now read " +
					"as \"missing\"",
			},
		},
	})
}
