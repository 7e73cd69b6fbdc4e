package frame

import (
	"bytes"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

// Any bytes are an error, or details that are appended as bytes from which the same are read, within the bounds.
func FuzzDetails(f *testing.F) {
	const quota = "\x0a\x00calc.Quota\x01\x02\x00\x08\x05"
	for _, seed := range []string{
		"", "\x00\x00rest", "\x11\x00" + quota + "\x0aagain", "\x22\x00" + quota + quota,
		"\x10\x00" + quota, "\x0b\x00\x01\x00a\x02\x05\x00null!", "\x0c\x00\x01\x00a\x09\x00\x00\x01\x00b\x01\x00\x00",
		"\x05\x00\x00\x00\x01\x00\x00", "\xff\xff" + quota,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		rest := body
		details, err := CutDetails(&rest)
		if err != nil {
			return
		}
		size := 0
		for _, d := range details {
			_, content := d.Encoded()
			size += 5 + len(d.Name()) + len(content)
		}
		if len(details) > rpc.MaxDetails || size > rpc.MaxDetailBytes || len(rest) > len(body)-2 {
			t.Fatalf("%d details of %d bytes, and %d of %d bytes are left", len(details), size, len(rest), len(body))
		}
		appended := AppendDetails(nil, details)
		again, err := CutDetails(&appended)
		if err != nil || len(appended) > 0 || !bytes.Equal(AppendDetails(nil, again), AppendDetails(nil, details)) {
			t.Fatalf("%v comes back as %v, %v", details, again, err)
		}
	})
}
