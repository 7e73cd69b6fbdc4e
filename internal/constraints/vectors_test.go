package constraints_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/internal/constraints"
	"github.com/yodelrpc/yodel/wire"
)

// A vector is a message, and which of its values are not as the definition wants them. Python's tests read the same
// ones.
type vector struct {
	Name, Type string
	JSON       json.RawMessage
	Violations []string // path and reason
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

var generated = map[string]func() wire.Message{
	"Numbers": func() wire.Message { return new(constraints.Numbers) },
	"Times":   func() wire.Message { return new(constraints.Times) },
	"Texts":   func() wire.Message { return new(constraints.Texts) },
	"Lists":   func() wire.Message { return new(constraints.Lists) },
	"Tree":    func() wire.Message { return new(constraints.Tree) },
	"Secrets": func() wire.Message { return new(constraints.Secrets) },
}

// schemas returns the definition for messages without generated code.
func schemas(t testing.TB) *dynamic.Package {
	t.Helper()
	files, diags := check.Files(func(path string) ([]byte, error) { return os.ReadFile(filepath.FromSlash(path)) },
		"constraints.yodel")
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	p, err := dynamic.Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestVectors checks each message with generated code and without, once as it was read from JSON, and once from
// protobuf's wire format.
func TestVectors(t *testing.T) {
	t.Parallel()
	p := schemas(t)
	for _, v := range vectors(t) {
		t.Run(v.Type+" "+v.Name, func(t *testing.T) {
			t.Parallel()
			typ := p.Type("constraints." + v.Type)
			makers := map[string]func() wire.Message{
				"generated": generated[v.Type], "dynamic": func() wire.Message { return typ.New() },
			}
			for name, newMessage := range makers {
				m, again := newMessage(), newMessage()
				m.Reset()
				if err := wire.UnmarshalJSON(v.JSON, m); err != nil {
					t.Fatal(err)
				}
				b, err := wire.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				again.Reset()
				if err := wire.Unmarshal(b, again); err != nil {
					t.Fatal(err)
				}
				for _, m := range []wire.Message{m, again} {
					checkVector(t, name, m, v)
				}
			}
		})
	}
}

func checkVector(t *testing.T, name string, m wire.Message, v vector) {
	t.Helper()
	violations, more := wire.Check(m)
	if more > 0 {
		t.Errorf("%s: %d more violations", name, more)
	}
	got := []string{}
	for _, one := range violations {
		got = append(got, one.Path+" "+one.Reason)
		text := one.Path + one.Text
		if v.Type == "Secrets" && (strings.Contains(text, "hunter2") || strings.Contains(text, "73501")) {
			t.Errorf("%s: %q shows what is sensitive", name, text)
		}
	}
	want := slices.Clone(v.Violations)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", name, got, want)
	}
}

// TestTexts shows what a caller reads.
func TestTexts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		m    wire.Message
		want []string
	}{
		{&constraints.Numbers{Small: -6, Positive: 1, Huge: 1, Single: 0.5}, []string{
			"small is -6, below the minimum -5", "single is 0.5, above the maximum 0.1"}},
		{&constraints.Secrets{Password: "hunter2", Pin: "x", Counts: map[string]int32{"hunter2": 73501}}, []string{
			"password takes 8 to 64 characters", "pin does not match the pattern ^[0-9]{4}$",
			"number is below the minimum 1", "counts[***] is above the maximum 1"}},
		{&constraints.Texts{Text: "a", Pair: "a", Data: []byte("four"), Word: strings.Repeat("x", 70) + "!", Part: "b"},
			[]string{"pair has 1 character, and takes exactly 2 characters",
				"some has 0 characters, and takes at least 1 character", "data has 4 bytes, and takes at most 3 bytes",
				fmt.Sprintf("word is %q… (71 bytes), which does not match the pattern ^[a-z]+$",
					strings.Repeat("x", 64))}},
	}
	for _, test := range tests {
		var got []string
		violations, _ := wire.Check(test.m)
		for _, v := range violations {
			got = append(got, v.Path+" "+v.Text)
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
	}
}
