package compat_test

// A kindOfChange is a row of the table: a way in which a definition changes. Types that methods use are both asked for
// and answered with, so that a row tells of both.
type kindOfChange struct {
	name     string // as the table in docs/language.md has it
	old, new string
	was      map[string]string // the types of new that had another name in old
	waits    bool              // over the basic protocol a caller may wait for bytes that nobody sends
}

const (
	point  = "\nA f(1: A a)\n"
	member = "\nU f(1: U u)\n"
	color  = "\nE f(1: E e)\n"
)

// kindsOfChange are the rows, in groups.
var kindsOfChange = []struct {
	title   string
	changes []kindOfChange
}{
	{"Fields, members of unions, values of enums", []kindOfChange{
		{name: "add a field", old: "struct A { 1: int x }" + point, new: "struct A { 1: int x, 2: int y }" + point},
		{name: "add a field with a default", old: "struct A { 1: int x }" + point, new: "struct A { 1: int x, 2: int y = 3 }" + point},
		{name: "add a field to an exception", old: "exception X { 1: int x }\nvoid f() => X", new: "exception X { 1: int x, 2: int y }\nvoid f() => X"},
		{name: "add a field to a struct that only results have", old: "struct A { 1: int x }\nA f()", new: "struct A { 1: int x, 2: int y }\nA f()"},
		{name: "add a field to a struct that only parameters have", old: "struct A { 1: int x }\nvoid f(1: A a)", new: "struct A { 1: int x, 2: int y }\nvoid f(1: A a)"},
		{name: "add a member to a union", old: "union U { 1: int x }" + member, new: "union U { 1: int x, 2: string y }" + member},
		{name: "add a member to a union that only results have", old: "union U { 1: int x }\nU f()", new: "union U { 1: int x, 2: string y }\nU f()"},
		{name: "add a value to an enum", old: "enum E { X = 0, Y = 1 }" + color, new: "enum E { X = 0, Y = 1, Z = 2 }" + color},
		{name: "add a value to an enum that only results have", old: "enum E { X = 0, Y = 1 }\nE f()", new: "enum E { X = 0, Y = 1, Z = 2 }\nE f()"},
		{name: "change the order of fields", old: "struct A { 1: int x, 2: int y }" + point, new: "struct A { 2: int y, 1: int x }" + point},
		{name: "change the order of the values of an enum", old: "enum E { X = 0, Y = 1, Z = 2 }" + color, new: "enum E { X = 0, Z = 2, Y = 1 }" + color},
		{name: "rename a field", old: "struct A { 1: int x }" + point, new: "struct A { 1: int z }" + point},
		{name: "rename a member of a union", old: "union U { 1: int x }" + member, new: "union U { 1: int z }" + member},
		{name: "rename a value of an enum", old: "enum E { X = 0, Y = 1 }" + color, new: "enum E { X = 0, Z = 1 }" + color},
		{name: "swap the names of two fields", old: "struct A { 1: int x, 2: int y }" + point, new: "struct A { 2: int x, 1: int y }" + point},
		{name: "remove a field", old: "struct A { 1: int x, 2: int y }" + point, new: "struct A { 1: int x }" + point},
		{name: "remove a field of a struct that only results have", old: "struct A { 1: int x, 2: int y }\nA f()", new: "struct A { 1: int x, reserved 2 }\nA f()"},
		{name: "remove a field, and reserve its number", old: "struct A { 1: int x, 2: int y }" + point, new: "struct A { 1: int x, reserved 2 }" + point},
		{name: "remove a member of a union, and reserve its number", old: "union U { 1: int x, 2: string y }" + member, new: "union U { 1: int x, reserved 2 }" + member},
		{name: "remove a value of an enum, and reserve its number", old: "enum E { X = 0, Y = 1, Z = 2 }" + color, new: "enum E { X = 0, Y = 1, reserved 2 }" + color},
		{name: "change the number of a field", old: "struct A { 1: int x }" + point, new: "struct A { 2: int x }" + point},
		{name: "change the number of a value of an enum", old: "enum E { X = 0, Y = 1 }" + color, new: "enum E { X = 0, Y = 2 }" + color},
		{name: "give a field's number to another field", old: "struct A { 1: int x }" + point, new: "struct A { 1: string y, 2: int x }" + point},
		{name: "change a field from long to int", old: "struct A { 1: long x }" + point, new: "struct A { 1: int x }" + point},
		{name: "change the type of a field", old: "struct A { 1: int x }" + point, new: "struct A { 1: string x }" + point},
		{name: "change a field from int to long", old: "struct A { 1: int x }" + point, new: "struct A { 1: long x }" + point},
		{name: "change a field from int to uint", old: "struct A { 1: int x }" + point, new: "struct A { 1: uint x }" + point},
		{name: "change a field from float to double", old: "struct A { 1: float x }" + point, new: "struct A { 1: double x }" + point},
		{name: "change a field from string to bytes", old: "struct A { 1: string x }" + point, new: "struct A { 1: bytes x }" + point},
		{name: "change a field from an enum to int", old: "enum E { X = 0, Y = 1 }\nstruct A { 1: E x }" + point, new: "enum E { X = 0, Y = 1 }\nstruct A { 1: int x }" + point},
		{name: "change a field from T to list<T>", old: "struct A { 1: int x }" + point, new: "struct A { 1: list<int> x }" + point},
		{name: "change the key of a map", old: "struct A { 1: map<int, int> x }" + point, new: "struct A { 1: map<string, int> x }" + point},
		{name: "change a field from T to T?", old: "struct A { 1: int x }" + point, new: "struct A { 1: int? x }" + point},
		{name: "change a field from T? to T", old: "struct A { 1: int? x }" + point, new: "struct A { 1: int x }" + point},
		{name: "change the default of a field", old: "struct A { 1: int x = 1 }" + point, new: "struct A { 1: int x = 2 }" + point},
		{name: "give a struct its first default", old: "struct A { 1: int x }" + point, new: "struct A { 1: int x = 2 }" + point},
		{name: "take a struct's last default away", old: "struct A { 1: int x = 2 }" + point, new: "struct A { 1: int x }" + point},
		{name: "add @deprecated", old: "struct A { 1: int x }" + point, new: "struct A { @deprecated(\"no\") 1: int x }" + point},
		{name: "add @sensitive", old: "struct A { 1: int x }" + point, new: "struct A { @sensitive 1: int x }" + point},
		{name: "drop @sensitive", old: "struct A { @sensitive 1: int x }" + point, new: "struct A { 1: int x }" + point},
	}},
	{"Parameters", []kindOfChange{
		{name: "add a parameter with a default", old: "int f(1: int a)", new: "int f(1: int a, 2: int b = 1)"},
		{name: "add a parameter of type T?", old: "int f(1: int a)", new: "int f(1: int a, 2: int? b)"},
		{name: "add a list or a map", old: "int f(1: int a)", new: "int f(1: int a, 2: list<int> b)"},
		{name: "add a list with a lower number", old: "int f(2: list<int> a)", new: "int f(1: list<int> b, 2: list<int> a)"},
		{name: "add a required parameter", old: "int f(1: int a)", new: "int f(1: int a, 2: int b)"},
		{name: "change the order of required parameters", old: "int f(1: int a, 2: int b)", new: "int f(2: int b, 1: int a)"},
		{name: "change the order of parameters with defaults", old: "int f(1: int a = 1, 2: int b = 2)", new: "int f(2: int b = 2, 1: int a = 1)"},
		{name: "rename a required parameter", old: "int f(1: int a)", new: "int f(1: int z)"},
		{name: "rename a parameter with a default", old: "int f(1: int a = 1)", new: "int f(1: int z = 1)"},
		{name: "swap the names of two parameters", old: "int f(1: int a, 2: int b)", new: "int f(1: int b, 2: int a)"},
		{name: "change the number of a parameter", old: "int f(1: int a)", new: "int f(2: int a)"},
		{name: "swap the numbers of two parameters with defaults", old: "int f(1: int a = 1, 2: int b = 2)", new: "int f(2: int a = 1, 1: int b = 2)"},
		{name: "change the type of a parameter", old: "int f(1: int a)", new: "int f(1: string a)"},
		{name: "change a required parameter from T to T?", old: "int f(1: int a)", new: "int f(1: int? a)"},
		{name: "give a required parameter a default", old: "int f(1: int a)", new: "int f(1: int a = 1)"},
		{name: "take a parameter's default away", old: "int f(1: int a = 1)", new: "int f(1: int a)"},
		{name: "change the default of a parameter", old: "int f(1: int a = 1)", new: "int f(1: int a = 2)"},
		{name: "change a parameter from T? to one with a default", old: "int f(1: int? a)", new: "int f(1: int a = 2)"},
		{name: "change a parameter from one with a default to T?", old: "int f(1: int a = 2)", new: "int f(1: int? a)"},
		{name: "swap the numbers of two required parameters", old: "int f(1: int a, 2: int b)", new: "int f(2: int a, 1: int b)"},
		{name: "remove a parameter with a default", old: "int f(1: int a, 2: int b = 1)", new: "int f(1: int a)"},
		{name: "remove a required parameter", old: "int f(1: int a, 2: int b)", new: "int f(1: int a)"},
		{name: "make a parameter a stream, or no longer one", old: "int f(1: int a)", new: "int f(1: stream int a)"},
	}},
	{"Results and exceptions", []kindOfChange{
		{name: "change the type of a result", old: "int f()", new: "string f()", waits: true},
		{name: "change a result from void to T", old: "void f()", new: "int f()", waits: true},
		{name: "change a result from T to void", old: "int f()", new: "void f()", waits: true},
		{name: "change a result from T to T?", old: "int f()", new: "int? f()", waits: true},
		{name: "change a result from T? to T", old: "int? f()", new: "int f()", waits: true},
		{name: "make a result a stream, or no longer one", old: "int f()", new: "stream int f()"},
		{name: "add an exception at the end of a method's list", old: "int f() => Lost", new: "int f() => Lost, Refused"},
		{name: "add an exception before others", old: "int f() => Lost", new: "int f() => Refused, Lost"},
		{name: "change the order of exceptions", old: "int f() => Lost, Refused", new: "int f() => Refused, Lost"},
		{name: "remove the last exception of a list", old: "int f() => Lost, Refused", new: "exception Refused { 1: string message = \"refused\" }\nint f() => Lost"},
		{name: "remove another exception of a list", old: "int f() => Lost, Refused", new: "exception Lost { 1: string message = \"lost\" }\nint f() => Refused"},
		{name: "rename an exception", old: "exception X { 1: int x }\nvoid f() => X", new: "exception Y { 1: int x }\nvoid f() => Y", was: map[string]string{"Y": "X"}},
		{name: "declare an exception that was implied", old: "int f() => Lost", new: "exception Lost { 1: string message = \"lost\" }\nint f() => Lost"},
		{name: "change @code", old: "exception X { 1: int x }\nvoid f() => X", new: "@code(aborted)\nexception X { 1: int x }\nvoid f() => X"},
	}},
	{"Methods, services, types, packages", []kindOfChange{
		{name: "add a method", old: "int f()", new: "int f()\nint g()"},
		{name: "add a method with the parameter of a later one", old: "int f(1: int a = 1)", new: "int e(1: int a = 1)\nint f(1: int a = 1)"},
		{name: "move a method whose parameter another one has", old: "int e(1: int a = 1)\nint f(1: int a = 1)", new: "int f(1: int a = 1)\nint e(1: int a = 1)"},
		{name: "move any other method", old: "int e(1: int b = 1)\nint f(1: int a = 1)", new: "int f(1: int a = 1)\nint e(1: int b = 1)"},
		{name: "rename a method", old: "int f()\nint e()", new: "int g()\nint e()"},
		{name: "remove a method", old: "int f()\nint e()", new: "int e()"},
		{name: "add a service", old: "service S { int f() }", new: "service S { int f() }\nservice T { int g() }"},
		{name: "rename a service", old: "service S { int f() }", new: "service T { int f() }"},
		{name: "move functions into a service", old: "int f()", new: "service S { int f() }"},
		{name: "add a type", old: "int f(1: int a = 1)", new: "struct B { 1: int x }\nint f(1: int a = 1)"},
		{name: "add a type that has the name of an option", old: "int f(1: int limit = 1)", new: "struct Limit { 1: int x }\nint f(1: int limit = 1)"},
		{name: "rename a struct", old: "struct A { 1: int x }" + point, new: "struct B { 1: int x }\nB f(1: B a)", was: map[string]string{"B": "A"}},
		{name: "rename an enum", old: "enum E { X = 0, Y = 1 }" + color, new: "enum F { X = 0, Y = 1 }\nF f(1: F e)", was: map[string]string{"F": "E"}},
		{name: "rename a union", old: "union U { 1: int x }" + member, new: "union V { 1: int x }\nV f(1: V u)", was: map[string]string{"V": "U"}},
		{name: "change a struct to a union", old: "struct A { 1: int x, 2: int y }" + point, new: "union A { 1: int x, 2: int y }" + point},
		{name: "rename a package", old: "package a\nservice S { int f() => Lost }", new: "package b\nservice S { int f() => Lost }"},
		{name: "add @idempotent", old: "int f()", new: "@idempotent\nint f()"},
		{name: "drop @idempotent", old: "@idempotent\nint f()", new: "int f()"},
		{name: "add, change or drop @timeout", old: "@timeout(31s)\nint f()", new: "@timeout(32s)\nint f()"},
	}},
}
