//go:build race

package transport

import "sync/atomic"

// spoils says that blocks are not used again, but spoiled.
const spoils = true

// spoiled counts blocks.
var spoiled atomic.Int64

// spoil overwrites a block that nobody has. The race detector does not see it; a reader would.
//
//go:norace
func spoil(b []byte) {
	for i := range b {
		b[i] = 0xdb
	}
	spoiled.Add(1)
}
