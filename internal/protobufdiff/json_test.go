package protobufdiff_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/yodelrpc/yodel/wire"
)

// stricterInJSON are our errors for what the other implementation reads: see the package's documentation.
var stricterInJSON = []string{
	"values are nested more than 100 deep",
	"want a digit",
	"is no Rounding, which are",
	"is not a Rounding",
	"a timestamp such as",
	"a duration such as",
	"missing argument",
}

// Random messages go to the other implementation and back, and mean the same there as on the wire.
func TestJSONMessages(t *testing.T) {
	t.Parallel()
	forEachKind(t, func(t *testing.T, k kind, seed uint64) {
		r := newRandom(seed)
		for range 200 {
			m := k.our()
			r.message(m)
			text, err := wire.MarshalJSON(m)
			if err != nil {
				t.Fatal(err)
			}
			their := k.newTheir()
			if err := protojson.Unmarshal(text, their); err != nil {
				t.Fatalf("they cannot read our %s: %v", text, err)
			}
			if want := theirs(t, k, m); !proto.Equal(their, want) {
				t.Fatalf("they read\n%s\nfrom our %s, but from our bytes\n%s", their, text, want)
			}
			back := k.our()
			theirText, err := protojson.Marshal(their)
			if err != nil {
				t.Fatalf("they cannot write %s: %v", text, err)
			}
			if err := wire.UnmarshalJSON(theirText, back); err != nil || !same(t, k, m, back) {
				t.Fatalf("%v: came back as\n%s\nfrom\n%s\nby\n%s", err, wire.String(back), text, theirText)
			}
		}
	})
}

// With all fields written, messages mean what they mean without.
func TestFullJSONMessages(t *testing.T) {
	t.Parallel()
	forEachKind(t, func(t *testing.T, k kind, seed uint64) {
		r := newRandom(seed)
		for range 50 {
			m := k.our()
			r.message(m)
			text, err := wire.AppendFullJSON(nil, m)
			if err != nil {
				t.Fatal(err)
			}
			if err := protojson.Unmarshal(text, k.newTheir()); err != nil {
				t.Fatalf("they cannot read our %s: %v", text, err)
			}
			back := k.our()
			if err := wire.UnmarshalJSON(text, back); err != nil || !same(t, k, m, back) {
				t.Fatalf("%v: came back as\n%s\nfrom\n%s", err, wire.String(back), text)
			}
		}
	})
}

// Random changes to the texts of random messages are read alike.
func TestJSONTexts(t *testing.T) {
	t.Parallel()
	forEachKind(t, func(t *testing.T, k kind, seed uint64) {
		r := newRandom(seed)
		for range 200 {
			m := k.our()
			r.message(m)
			text, err := wire.MarshalJSON(m)
			if err != nil {
				t.Fatal(err)
			}
			compareJSON(t, k, r.mutateText(text))
		}
	})
}

func FuzzDifferentialJSON(f *testing.F) {
	for i, k := range kinds() {
		m := k.our()
		newRandom(uint64(i)).message(m)
		text, err := wire.MarshalJSON(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), text)
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		compareJSON(t, kinds()[int(which)%len(kinds())], text)
	})
}

func compareJSON(t *testing.T, k kind, text []byte) {
	t.Helper()
	our, their := k.our(), k.newTheir()
	ourErr := wire.UnmarshalJSON(text, our)
	theirErr := protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(text, their)
	switch {
	case ourErr != nil && theirErr != nil:
	case ourErr != nil && !isAnyOf(ourErr, stricterInJSON):
		t.Fatalf("%s %s: only we refuse: %v", k.name, text, ourErr)
	case theirErr != nil:
		t.Fatalf("%s %s: only they refuse: %v", k.name, text, theirErr)
	case ourErr == nil:
		back, err := ours(t, k, their)
		if err != nil {
			t.Fatalf("%s %s: they read what we refuse when they write it: %v", k.name, text, err)
		}
		if !same(t, k, our, back) {
			t.Fatalf("%s %s: we read\n%s\nthey\n%s", k.name, text, wire.String(our), wire.String(back))
		}
	}
}
