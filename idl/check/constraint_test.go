package check_test

import (
	"testing"

	"github.com/yodelrpc/yodel/idl/schema"
)

// TestConstraints reads each constraint, and what it says in words.
func TestConstraints(t *testing.T) {
	t.Parallel()
	tests := []struct{ field, limits string }{
		{"@min(-9223372036854775808) @max(9223372036854775807) 1: long x",
			"at least -9223372036854775808, at most 9223372036854775807"},
		{"@max(18446744073709551615) 1: ulong x", "at most 18446744073709551615"},
		{"@min(0.1) 1: float x = 0.1", "at least 0.1"},
		{"@min(-0x10) 1: int? x", "at least -16"},
		{`@min("2020-01-01T01:00:00+01:00") 1: timestamp x`, "at least 2020-01-01T00:00:00Z"},
		{"@min(0) @max(1m30s) 1: duration x", "at least 0s, at most 1m30s"},
		{"@len(1) 1: string x", "1 character"},
		{"@len(8) 1: bytes x", "8 bytes"},
		{"@len(1, max) 1: string x", "at least 1 character"},
		{"@len(0, 64) 1: string x", "at most 64 characters"},
		{`@len(1, 64) @pattern("^[a-z]+$") 1: string x`, "1 to 64 characters, matching ^[a-z]+$"},
		{`@pattern("\n") 1: string x`, `matching "\n"`},
		{"@items(1, 10) @len(2, 3) 1: list<string> x", "1 to 10 elements, each 2 to 3 characters"},
		{"@max(9) 1: map<string, int> x", "each at most 9"},
		{"@items(0, max) 1: map<string, int> x", "at least 0 elements"},
		{"@sensitive @min(1) 1: int x", "at least 1"},
		{"1: int x", ""},
	}
	for _, test := range tests {
		f := one(t, "a.yodel", "struct A { "+test.field+" }\nunion U { 1: A a }\nstruct B { 1: list<U> us }\n"+
			"struct C { 1: C? c }\n")
		a, b, c := f.Structs[0], f.Structs[1], f.Structs[2]
		if got := a.Fields[0].Limits(); got != test.limits {
			t.Errorf("%s: got %q, want %q", test.field, got, test.limits)
		}
		want := test.limits != ""
		if got := [3]bool{schema.Constrained(a.Fields), schema.Constrained(b.Fields),
			schema.Constrained(c.Fields)}; got != [3]bool{want, want, false} {
			t.Errorf("%s: constrained: %v", test.field, got)
		}
	}
}
