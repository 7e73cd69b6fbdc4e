package wire_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/wire"
)

// oneOfEach returns empty messages that have fields of all types between them.
func oneOfEach() []wire.Message {
	return []wire.Message{
		new(everything.Scalars), new(everything.Optionals), new(everything.Lists), new(everything.Maps),
		new(everything.Node),
	}
}

// field returns a field of the wire type LEN.
func field(number int, content []byte) []byte {
	b := binary.AppendUvarint(nil, uint64(number)<<3|2)
	b = binary.AppendUvarint(b, uint64(len(content)))
	return append(b, content...)
}

func nested(number, levels int) []byte {
	b := []byte{}
	for range levels {
		b = field(number, b)
	}
	return b
}

func TestDecodeDepth(t *testing.T) {
	t.Parallel()
	const tooDeep = ": messages stand more than 100 deep in one another"
	groups := func(levels int) []byte {
		return append(bytes.Repeat([]byte{0x6b}, levels), bytes.Repeat([]byte{0x6c}, levels)...)
	}
	maps := func(levels int) []byte {
		b := []byte{}
		for range levels {
			b = field(15, field(2, b))
		}
		return b
	}
	for name, tt := range map[string]struct {
		data []byte
		into wire.Message
		want string
	}{
		"100 messages":        {nested(15, 100), &everything.Optionals{}, ""},
		"101 messages":        {nested(15, 101), &everything.Optionals{}, "field 15" + tooDeep},
		"10,000 messages":     {nested(15, 10_000), &everything.Optionals{}, "field 15" + tooDeep},
		"10,000 in a list":    {nested(15, 10_000), &everything.Lists{}, "field 15" + tooDeep},
		"10,000 unions":       {nested(9, 10_000), &everything.Node{}, ""},
		"10,000 in a union":   {field(7, nested(9, 10_000)), &everything.Node{}, "field 9" + tooDeep},
		"100 maps":            {maps(100), &everything.Maps{}, ""},
		"101 maps":            {maps(101), &everything.Maps{}, "field 2" + tooDeep},
		"10,000 unknown ones": {nested(500, 10_000), &everything.Scalars{}, ""},
		"100 groups":          {groups(100), &everything.Scalars{}, ""},
		"101 groups":          {groups(101), &everything.Scalars{}, "field 13" + tooDeep},
		"100,000 groups":      {groups(100_000), &everything.Scalars{}, "field 13" + tooDeep},
		"100,000 in a row":    {bytes.Repeat([]byte{0x6b, 0x6c}, 100_000), &everything.Scalars{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := wire.Unmarshal(tt.data, tt.into); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// What can be written can be read: both count the messages of a definition alone.
func TestDeepestMessages(t *testing.T) {
	t.Parallel()
	maps, lists := everything.Maps{}, everything.Lists{Seen: []time.Time{time.Unix(1, 1).UTC()}}
	for range wire.MaxDepth {
		maps = everything.Maps{Maps: map[string]everything.Maps{"a": maps}}
		lists = everything.Lists{Lists: []everything.Lists{lists}}
	}
	for _, m := range []wire.Message{&maps, &lists} {
		data, err := wire.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		checkReadsBack(t, m, data)
	}
	for _, m := range []wire.Message{
		&everything.Maps{Maps: map[string]everything.Maps{"": maps}},
		&everything.Lists{Lists: []everything.Lists{lists}},
	} {
		if _, err := wire.Marshal(m); err == nil {
			t.Errorf("a %T one level too deep can be written", m)
		}
	}
}

// memory returns how many bytes f allocates, to within a few KiB: the least of three times, for the counter is the
// whole process's, and the runtime adds to it now and then.
func memory(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		before := allocated()
		f()
		least = min(least, allocated()-before)
	}
	return least
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// A declared length costs nothing before its bytes are there.
func TestDeclaredLengths(t *testing.T) {
	for _, length := range []uint64{1 << 31, 1<<32 - 1, 1 << 63, 1<<64 - 1} {
		for number := 1; number <= 15; number++ {
			for _, m := range oneOfEach() {
				data := binary.AppendUvarint([]byte{byte(number<<3 | 2)}, length)
				used := memory(func() {
					if wire.Unmarshal(append(data, "some bytes"...), m) == nil {
						t.Errorf("%T: field %d with length %d is no error", m, number, length)
					}
				})
				if used > 64<<10 {
					t.Errorf("%T: field %d with length %d took %d bytes", m, number, length, used)
				}
			}
		}
	}
}

// Millions of items that are empty take memory in proportion to the message, whatever an item takes in Go.
func TestMillionsOfEmptyItems(t *testing.T) {
	const items = 2 << 20
	for name, tt := range map[string]struct {
		item []byte
		into wire.Message
	}{
		"unknown":           {[]byte{0x82, 0x01, 0x00}, &everything.Scalars{}},
		"groups":            {[]byte{0x6b, 0x6c}, &everything.Scalars{}},
		"bools":             {[]byte{0x08, 0x00}, &everything.Lists{}},
		"empty packed":      {[]byte{0x3a, 0x00}, &everything.Lists{}},
		"strings":           {[]byte{0x42, 0x00}, &everything.Lists{}},
		"timestamps":        {[]byte{0x52, 0x00}, &everything.Lists{}},
		"unions":            {[]byte{0x72, 0x00}, &everything.Lists{}},
		"large structs":     {[]byte{0x7a, 0x00}, &everything.Lists{}},
		"two lists in turn": {[]byte{0x7a, 0x00, 0x6a, 0x00}, &everything.Lists{}},
		"entries":           {[]byte{0x7a, 0x00}, &everything.Maps{}},
		"pointers":          {[]byte{0x7a, 0x00}, &everything.Optionals{}},
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Repeat(tt.item, items)
			used := memory(func() { _ = wire.Unmarshal(data, tt.into) })
			if most := uint64(96<<20 + 64*len(data)); used > most {
				t.Errorf("%d MiB for a message of %d MiB", used>>20, len(data)>>20)
			}
		})
	}
}

func TestTooManyEmptyItems(t *testing.T) {
	data := bytes.Repeat([]byte{0x7a, 0x00}, 2<<20)
	err := wire.Unmarshal(data, &everything.Lists{})
	if err == nil || !strings.HasPrefix(err.Error(), "field 15: the lists take more than 32 MiB and 16 times") {
		t.Error(err)
	}
}
