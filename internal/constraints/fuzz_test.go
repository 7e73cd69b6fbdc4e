package constraints_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/internal/constraints"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// FuzzCheck: whatever bytes are a message, generated code and package dynamic find the same violations in it, and what
// they find fits into one error.
func FuzzCheck(f *testing.F) {
	p := schemas(f)
	for _, v := range vectors(f) {
		m := generated[v.Type]()
		m.Reset()
		if err := wire.UnmarshalJSON(v.JSON, m); err != nil {
			f.Fatal(err)
		}
		all := constraints.NewAll()
		switch m := m.(type) {
		case *constraints.Numbers:
			all.Numbers = *m
		case *constraints.Times:
			all.Times = *m
		case *constraints.Texts:
			all.Texts = *m
		case *constraints.Lists:
			all.Lists = *m
		case *constraints.Tree:
			all.Tree = *m
		case *constraints.Secrets:
			all.Secrets = *m
		}
		b, err := wire.Marshal(&all)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	typ := p.Type("constraints.All")
	f.Fuzz(func(t *testing.T, b []byte) { compare(t, typ, b) })
}

func compare(t *testing.T, typ *dynamic.Type, b []byte) {
	all, record := constraints.NewAll(), typ.New()
	err, again := wire.Unmarshal(b, &all), wire.Unmarshal(b, record)
	if (err == nil) != (again == nil) {
		t.Fatalf("generated code: %v; dynamic: %v", err, again)
	}
	if err != nil {
		return
	}
	one, more := wire.Check(&all)
	two, again2 := wire.Check(record)
	if len(one)+more != len(two)+again2 {
		t.Fatalf("generated code finds %d violations, dynamic %d:\n%v\n%v", len(one)+more, len(two)+again2, one, two)
	}
	if more == 0 && !slices.Equal(one, two) {
		t.Fatalf("generated code finds\n%v\ndynamic\n%v", one, two)
	}
	if err := rpc.Validate(&all); err != nil {
		details, encoding := err.(*rpc.Error).EncodeDetails(rpc.DetailJSON, rpc.MaxDetailBytes, rpc.NewLog(nil))
		if encoding != nil || len(details) != 1 {
			t.Fatal(fmt.Errorf("%d details: %w", len(details), encoding))
		}
	}
}
