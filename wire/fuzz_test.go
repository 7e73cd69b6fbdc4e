package wire_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/wire"
)

func addSeeds(f *testing.F) {
	for _, v := range vectors {
		f.Add(mustHex(v.bytes))
	}
	for _, v := range otherForms {
		f.Add(mustHex(v.bytes))
	}
	f.Add(nested(15, 101))
	f.Add(nested(9, 101))
}

func mustHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// FuzzDecoder reads bytes into messages with each type of field. What can be read can be written, and reads as the
// same.
func FuzzDecoder(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, m := range oneOfEach() {
			var err error
			used := memory(func() { err = wire.Unmarshal(data, m) })
			if most := uint64(1<<20 + 1<<10*len(data)); used > most {
				t.Errorf("%T: %d bytes of memory for %d bytes", m, used, len(data))
			}
			if err == nil {
				checkWritesBack(t, m)
			}
		}
	})
}

func checkWritesBack(t *testing.T, m wire.Message) {
	once, err := wire.Marshal(m)
	if err != nil {
		t.Fatalf("%T was read and cannot be written: %v", m, err)
	}
	again := fresh(m)
	if err := wire.Unmarshal(once, again); err != nil {
		t.Fatalf("%T was written and cannot be read: %v", m, err)
	}
	twice, err := wire.Marshal(again)
	_, unordered := m.(*everything.Maps)
	if err != nil || !unordered && !bytes.Equal(once, twice) {
		t.Fatalf("%T: written %x, then %x; %v", m, once, twice, err)
	}
}

// FuzzSkip goes over fields that nobody knows. An owned payload and a copied one read the same.
func FuzzSkip(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var copied, owned wire.Decoder
		copied.Reset(data)
		owned.ResetOwned(data)
		fields := 0
		for copied.Next() {
			if !owned.Next() || owned.Field() != copied.Field() {
				t.Fatalf("field %d is not there", copied.Field())
			}
			fields++
		}
		if owned.Next() || (copied.Err() == nil) != (owned.Err() == nil) || fields > len(data) {
			t.Fatalf("%v, but %v; %d fields", copied.Err(), owned.Err(), fields)
		}
	})
}
