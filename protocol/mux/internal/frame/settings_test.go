package frame

import (
	"math"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

// A limit is not turned into a small or negative one by its size.
func TestHugeLimits(t *testing.T) {
	t.Parallel()
	sent := SettingsOf(rpc.Limits{Message: math.MaxInt, Calls: math.MaxInt, Metadata: math.MaxInt, Name: math.MaxInt,
		Stream: math.MaxInt, Streams: math.MaxInt})
	got, err := ParseSettings(sent.Hello()[PrefaceSize+HeaderSize:])
	want := Settings{Message: math.MaxInt32, Calls: MaxCalls, Metadata: MaxMetadata, Name: MaxName, Methods: 4096,
		Details: rpc.MaxDetailBytes, Stream: 64 << 10, Streams: math.MaxInt32}
	if err != nil || got != want {
		t.Errorf("the peer reads %+v, %v; want %+v", got, err, want)
	}
	all := []byte(
		"\x01\x00\xff\xff\xff\xff\x02\x00\xff\xff\xff\xff\x03\x00\xff\xff\xff\xff" +
			"\x04\x00\xff\xff\xff\xff\x05\x00\xff\xff\xff\xff\x06\x00\xff\xff\xff\xff" +
			"\x07\x00\xff\xff\xff\xff\x08\x00\xff\xff\xff\xff")
	want.Methods, want.Stream = MaxMethods, math.MaxInt32
	if got, err := ParseSettings(all); err != nil || got != want {
		t.Errorf("the largest settings read as %+v, %v; want %+v", got, err, want)
	}
}

// The names of codecs come as they were, whatever their length, and no more of them than there may be.
func TestSettingsNameCodecs(t *testing.T) {
	t.Parallel()
	all := []string{"", "a", "s2", "s2,", "zstd", "s2,zstd", "gzip,s2,zstd", strings.Repeat("x", MaxCodecs)}
	for _, names := range all {
		hello := Settings{Codecs: names}.Hello()
		got, err := ParseSettings(hello[PrefaceSize+HeaderSize:])
		if err != nil || got.Codecs != names {
			t.Errorf("%q comes as %q, %v", names, got.Codecs, err)
		}
	}
	hello := Settings{Codecs: strings.Repeat("x", MaxCodecs+1)}.Hello()
	if _, err := ParseSettings(hello[PrefaceSize+HeaderSize:]); err == nil {
		t.Errorf("%d bytes of names are taken", MaxCodecs+1)
	}
}
