package mux

import (
	"math"
	"testing"

	"github.com/yodelrpc/yodel/rpc"
)

// A limit is not turned into a small or negative one by its size.
func TestHugeLimits(t *testing.T) {
	t.Parallel()
	sent := settingsOf(rpc.Limits{Message: math.MaxInt, Calls: math.MaxInt, Metadata: math.MaxInt, Name: math.MaxInt})
	got, err := parseSettings(sent.hello()[prefaceSize+headerSize:])
	want := settings{message: math.MaxInt32, calls: maxCalls, metadata: maxMetadata, name: maxName, methods: 4096}
	if err != nil || got != want {
		t.Errorf("the peer reads %+v, %v; want %+v", got, err, want)
	}
	all := []byte("\x01\x00\xff\xff\xff\xff\x02\x00\xff\xff\xff\xff\x03\x00\xff\xff\xff\xff\x04\x00\xff\xff\xff\xff\x05\x00\xff\xff\xff\xff")
	want.methods = maxMethods
	if got, err := parseSettings(all); err != nil || got != want {
		t.Errorf("the largest settings read as %+v, %v; want %+v", got, err, want)
	}
}
