//go:build race

package transport

import (
	"runtime"
	"testing"
)

// Under the race detector a block is spoiled when nobody has it any more, and not before.
func TestMemoryIsSpoiledWhenNobodyHasIt(t *testing.T) {
	t.Parallel()
	var r recycler
	b := r.get(1 << 20)
	b[1000] = 1
	kept := b[1000:1001]
	before := spoiled.Load()
	collect()
	if kept[0] != 1 {
		t.Error("a block is spoiled of which a part is kept")
	}
	runtime.KeepAlive(kept)
	collect()
	for spoiled.Load() == before { // others are, too, but none for ever
		collect()
	}
}
