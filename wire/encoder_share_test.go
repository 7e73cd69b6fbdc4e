package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/wire"
)

// Whatever is shared, the segments together are the message.
func TestSharing(t *testing.T) {
	t.Parallel()
	messages := map[string]wire.Message{
		"long and nested": &everything.Scalars{Name: strings.Repeat("x", 300), Token: bytes.Repeat([]byte{1}, 20_000)},
	}
	for name, v := range vectors {
		messages[name] = v.message
	}
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := wire.Append([]byte("before"), m)
			if err != nil {
				t.Fatal(err)
			}
			for _, min := range []int{1, 2, 100, 10_000} {
				var e wire.Encoder
				e.ResetSharing([]byte("before"), min)
				m.EncodeWire(&e)
				if _, err := e.Bytes(); err != nil {
					t.Fatal(err)
				}
				if got := bytes.Join(e.Segments(), nil); !bytes.Equal(got, want) || e.Size() != len(want) {
					t.Errorf("sharing from %d bytes on gives %x of size %d, want %x", min, got, e.Size(), want)
				}
			}
		})
	}
}

func TestSharingCopiesNothing(t *testing.T) {
	blob := bytes.Repeat([]byte{7}, 1<<20)
	m := &everything.Scalars{Token: blob}
	var e wire.Encoder
	e.ResetSharing(make([]byte, 0, 64), 32<<10)
	m.EncodeWire(&e)
	segments := e.Segments()
	if !e.Shares() || len(segments) != 2 || &segments[1][0] != &blob[0] {
		t.Errorf("1 MiB of bytes became %d segments", len(segments))
	}
}
