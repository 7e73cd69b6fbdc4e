package protobufdiff_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/yodelrpc/yodel/wire"
)

// stricterOnWire are our errors for what the other implementation reads: see the package's documentation.
var stricterOnWire = []string{
	"deep in one another",
	"the other side gives it another type",
	"not valid UTF-8",
	"beyond the 292 years",
	"outside the years 1 to 9999",
	"missing argument",
}

func isAnyOf(err error, reasons []string) bool {
	return slices.ContainsFunc(reasons, func(reason string) bool { return strings.Contains(err.Error(), reason) })
}

// Random messages go to the other implementation and back.
func TestWireMessages(t *testing.T) {
	t.Parallel()
	forEachKind(t, func(t *testing.T, k kind, seed uint64) {
		r := newRandom(seed)
		for range 200 {
			m := k.our()
			r.message(m)
			back, err := ours(t, k, theirs(t, k, m))
			if err != nil {
				t.Fatalf("reading back %s: %v", wire.String(m), err)
			}
			if !same(t, k, m, back) {
				t.Fatalf("came back as\n%s\nfrom\n%s", wire.String(back), wire.String(m))
			}
		}
	})
}

// Random changes to the bytes of random messages are read alike.
func TestWireBytes(t *testing.T) {
	t.Parallel()
	forEachKind(t, func(t *testing.T, k kind, seed uint64) {
		r := newRandom(seed)
		for range 200 {
			m := k.our()
			r.message(m)
			data, err := wire.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			compareWire(t, k, r.mutate(data))
		}
	})
}

func FuzzDifferentialWire(f *testing.F) {
	for i, k := range kinds() {
		m := k.our()
		newRandom(uint64(i)).message(m)
		data, err := wire.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), data)
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		compareWire(t, kinds()[int(which)%len(kinds())], data)
	})
}

var errTheirPanic = errors.New("they panicked")

// unmarshal is proto.Unmarshal. It panics for a dynamic message with an entry of a map whose key has another wire type.
func unmarshal(data []byte, m proto.Message) (err error) {
	defer func() {
		if recover() != nil {
			err = errTheirPanic
		}
	}()
	return proto.Unmarshal(data, m)
}

func compareWire(t *testing.T, k kind, data []byte) {
	t.Helper()
	our, their := k.our(), k.newTheir()
	ourErr, theirErr := wire.Unmarshal(data, our), unmarshal(data, their)
	switch {
	case errors.Is(theirErr, errTheirPanic):
	case ourErr != nil && theirErr != nil:
	case ourErr != nil && !isAnyOf(ourErr, stricterOnWire):
		t.Fatalf("%s %x: only we refuse: %v", k.name, data, ourErr)
	case theirErr != nil:
		t.Fatalf("%s %x: only they refuse: %v", k.name, data, theirErr)
	case ourErr == nil:
		back, err := ours(t, k, their)
		if err != nil {
			t.Fatalf("%s %x: they read what we refuse when they write it: %v", k.name, data, err)
		}
		if !same(t, k, our, back) && !excused(k.their, data) {
			t.Fatalf("%s %x: we read\n%s\nthey\n%s", k.name, data, wire.String(our), wire.String(back))
		}
	}
}
