package wire_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/wire"
)

// TestUnmarshalArgumentsNamesWhatIsUnknown reads the same text with UnmarshalJSON too, which skips what is unknown.
func TestUnmarshalArgumentsNamesWhatIsUnknown(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"argument":        {`{"anInt":1,"ext":0}`, `ext: unknown argument; did you mean "text"?`},
		"without the one": {`{"an_itn":1}`, `an_itn: unknown argument; did you mean "an_int"?`},
		"another case":    {`{"AN_INT":1}`, `AN_INT: unknown argument; did you mean "an_int"?`},
		"field":           {`{"at":{"lable":""}}`, `at.lable: unknown field of point; did you mean "label"?`},
		"field, none near": {`{"at":{"weight":1}}`,
			`at.weight: unknown field of point; there are "x", "y", "label", "next", "kids" and "tags"`},
		"in a list": {`{"at":{"kids":[{},{"kid":[]}]}}`,
			`at.kids[1].kid: unknown field of point; did you mean "kids"?`},
		"in a map":       {`{"byId":{"7":{"z":1}}}`, `by_id["7"].z: unknown field of point; did you mean "x"?`},
		"in an optional": {`{"at":{"next":{"z":1}}}`, `at.next.z: unknown field of point; did you mean "x"?`},
		"member": {`{"shape":{"points":{}}}`,
			`shape.points: unknown member of shape; did you mean "point"?`},
		"member, none near": {`{"shape":{"cube":{}}}`,
			`shape.cube: unknown member of shape; there are "point" and "the_size"`},
		"in a member": {`{"shape":{"point":{"z":1}}}`,
			`shape.point.z: unknown field of point; did you mean "x"?`},
		"in a list of unions": {`{"shapes":[{"size":1}]}`,
			`shapes[0].size: unknown member of shape; there are "point" and "the_size"`},
		"null": {`{"ext":null}`, `ext: unknown argument; did you mean "text"?`},
		"not a name": {`{"a \n":1}`,
			`["a \n"]: unknown argument; there are "yes", "an_int", "long", "uint", "ulong", "float", "double", ` +
				`"text" and 12 more`},
		"no name": {`{"":1}`, `[""]: unknown argument; there are "yes", "an_int", "long", "uint", "ulong", "float", ` +
			`"double", "text" and 12 more`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := wire.UnmarshalArguments([]byte(tt.text), new(all))
			if _, ok := errors.AsType[*wire.JSONError](err); !ok || err.Error() != tt.want {
				t.Errorf("error is\n%v, want\n%s", err, tt.want)
			}
			if err := wire.UnmarshalJSON([]byte(tt.text), new(all)); err != nil &&
				!strings.Contains(err.Error(), "missing") {
				t.Errorf("UnmarshalJSON: %v", err)
			}
		})
	}
}

// TestUnknownNamesAreCut reads a name of a megabyte, which costs no more than its bytes.
func TestUnknownNamesAreCut(t *testing.T) {
	t.Parallel()
	err := wire.UnmarshalArguments([]byte(`{"`+strings.Repeat("a", 1<<20)+`":1}`), new(all))
	if err == nil || len(err.Error()) > 300 || !strings.Contains(err.Error(), "(1048576 bytes)") {
		t.Errorf("error is %.1000v", err)
	}
}

func TestEachJSONMember(t *testing.T) {
	t.Parallel()
	var got []string
	err := wire.EachJSONMember([]byte(" {\"a\": 1 , \"\\u0062\":{\"\\u0063\":[\"\\u0064\"]},\"a\":\tnull} \n"),
		func(name, value []byte) error {
			got = append(got, fmt.Sprintf("%s=%s", name, value))
			return nil
		})
	if want := `[a=1 b={"\u0063":["\u0064"]} a=null]`; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v; want %s", got, err, want)
	}
	for _, text := range []string{``, `[]`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1}x`, `{"a":[}`} {
		if err := wire.EachJSONMember([]byte(text), func(_, _ []byte) error { return nil }); err == nil {
			t.Errorf("%s is no error", text)
		}
	}
	stop := errors.New("stop")
	if err := wire.EachJSONMember([]byte(`{"a":1,x`), func(_, _ []byte) error { return stop }); err != stop {
		t.Errorf("error is %v, want that of the function", err)
	}
}

// TestEachJSONMemberTakesWhatMessagesTake: a value may nest as deep as any message, with lists between.
func TestEachJSONMemberTakesWhatMessagesTake(t *testing.T) {
	t.Parallel()
	params := strings.Repeat(`{"kids":[`, wire.MaxDepth) + `{}` + strings.Repeat(`]}`, wire.MaxDepth)
	if err := wire.UnmarshalJSON([]byte(params), new(point)); err != nil {
		t.Fatal(err)
	}
	err := wire.EachJSONMember([]byte(`{"params":`+params+`}`), func(_, value []byte) error {
		return wire.UnmarshalJSON(value, new(point))
	})
	if err != nil {
		t.Error(err)
	}
	if err := wire.EachJSONMember([]byte(`{"params":`+strings.Repeat("[", 1<<20)), func(_, _ []byte) error {
		return nil
	}); err == nil {
		t.Error("a million levels are no error")
	}
}

// TestManyMembersCostTheirBytes measures members of an object against as many elements of a list.
func TestManyMembersCostTheirBytes(t *testing.T) {
	const n = 600_000
	text := []byte(`{` + strings.Repeat(`"a":0,`, n) + `"a":0}`)
	allocations := testing.AllocsPerRun(1, func() {
		began, count := time.Now(), 0
		if err := wire.EachJSONMember(text, func(_, _ []byte) error { count++; return nil }); err != nil ||
			count != n+1 {
			t.Errorf("%d members, %v", count, err)
		}
		t.Logf("%d members in %v", count, time.Since(began))
	})
	if allocations > 20 {
		t.Errorf("%v allocations for %d members", allocations, n)
	}
}
