package frame

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

var anything = Settings{Name: MaxName, Metadata: MaxMetadata}

// heads are those that tests and the fuzzer begin with.
var heads = []Head{
	{},
	{Flags: FlagName, Name: []byte("divide.Divide/divide")},
	{Flags: FlagDeadline, Left: 1_500_000},
	{Flags: FlagDeadline},
	{Flags: FlagMetadata, Metadata: rpc.Metadata{}},
	{Flags: FlagMetadata, Metadata: rpc.Metadata{"a": {"1", ""}, "trace-id": {"\x00\xff"}}},
	{Flags: FlagPieces, Total: 1 << 20},
	{Flags: headFlags, Name: []byte("a/b"), Left: 1<<64 - 1, Metadata: rpc.Metadata{"k": {"v"}}, Total: 0},
}

func equal(a, b *Head) bool {
	return a.Flags == b.Flags && bytes.Equal(a.Name, b.Name) && a.Left == b.Left && a.Total == b.Total &&
		maps.EqualFunc(a.Metadata, b.Metadata, slices.Equal)
}

// A head is parsed as what it was appended from, and what stands behind it is left.
func TestHeadThereAndBack(t *testing.T) {
	t.Parallel()
	for _, want := range heads {
		var got Head
		message, err := got.Parse(want.Flags, append(want.Append(nil), "message"...), &anything)
		if err != nil || !equal(&got, &want) || string(message) != "message" {
			t.Errorf("%+v is read as %+v, %v, with %q behind it", want, got, err, message)
		}
	}
}

// A head that ends early is a fault, wherever it ends.
func TestHeadThatEndsEarly(t *testing.T) {
	t.Parallel()
	for _, h := range heads {
		whole := h.Append(nil)
		for n := range whole {
			if _, err := new(Head).Parse(h.Flags, whole[:n], &anything); err == nil {
				t.Errorf("the first %d bytes of %+v are taken for all", n, h)
			}
		}
	}
}

// Name and metadata have limits, and a name is not empty.
func TestHeadOverLimits(t *testing.T) {
	t.Parallel()
	limits := &Settings{Name: 3, Metadata: 8}
	for _, tt := range []struct {
		head Head
		ok   bool
	}{
		{Head{Flags: FlagName, Name: []byte("a/b")}, true},
		{Head{Flags: FlagName, Name: []byte("a/bc")}, false},
		{Head{Flags: FlagName}, false},
		{Head{Flags: FlagMetadata, Metadata: rpc.Metadata{"k": {"v"}}}, true},
		{Head{Flags: FlagMetadata, Metadata: rpc.Metadata{"k": {"vv"}}}, false},
		{Head{Flags: FlagMetadata, Metadata: rpc.Metadata{"K": {""}}}, false},
	} {
		if _, err := new(Head).Parse(tt.head.Flags, tt.head.Append(nil), limits); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.head, err)
		}
	}
}

// Any bytes are a fault, or a head that is appended as them, but for the order of metadata; and appended as what it was
// parsed from, it is parsed as the same.
func FuzzHead(f *testing.F) {
	for _, h := range heads {
		f.Add(h.Flags, append(h.Append(nil), "message"...))
	}
	f.Add(uint8(FlagMetadata), []byte("\x10\x00\x00\x00\x01\x00b\x01\x00\x00\x00x\x01\x00a\x01\x00\x00\x00y"))
	f.Fuzz(func(t *testing.T, flags uint8, body []byte) {
		var h, again Head
		message, err := h.Parse(flags, body, &anything)
		if err != nil {
			return
		}
		appended := h.Append(nil)
		head := body[:len(body)-len(message)]
		if len(appended) != len(head) || flags&FlagMetadata == 0 && !bytes.Equal(appended, head) {
			t.Fatalf("% x is appended as % x", head, appended)
		}
		rest, err := again.Parse(h.Flags, append(appended, message...), &anything)
		if err != nil || !equal(&h, &again) || !bytes.Equal(rest, message) {
			t.Fatalf("%+v comes back as %+v, %v", h, again, err)
		}
		if twice := again.Append(nil); !bytes.Equal(twice, appended) {
			t.Fatalf("% x is appended as % x the second time", appended, twice)
		}
	})
}
