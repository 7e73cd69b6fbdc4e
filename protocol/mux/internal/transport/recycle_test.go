//go:build !race

package transport

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

func TestMemoryIsUsedAgain(t *testing.T) {
	t.Parallel()
	var r recycler
	b := r.get(1 << 20)
	b[0] = 1
	first := uintptr(unsafe.Pointer(&b[0]))
	kept := b[1000:1001]
	collect()
	if r.take(1<<20) != nil {
		t.Fatal("memory is used again that a slice of it is left of")
	}
	runtime.KeepAlive(kept)
	collect()
	for range 3 {
		if b := r.get(1<<20 - 1000); uintptr(unsafe.Pointer(&b[0])) != first || len(b) != 1<<20-1000 {
			t.Fatalf("got %d bytes elsewhere", len(b))
		}
		collect()
	}
	for _, n := range []int{512 << 10, 2 << 20} {
		if r.take(n) != nil {
			t.Errorf("%d bytes are taken from a block of %d", n, 1<<20)
		}
	}
}

func TestMemoryThatWaitsIsBounded(t *testing.T) {
	t.Parallel()
	var r recycler
	for i := range 200 {
		r.put(make([]byte, 256<<10+i))
	}
	r.put(make([]byte, recycleUpTo))
	if r.size > recycleTotal || r.size < recycleTotal-recycleUpTo {
		t.Errorf("%d bytes wait; the limit is %d", r.size, recycleTotal)
	}
	if len(r.take(recycleUpTo)) != recycleUpTo || len(r.take(256<<10)) != 256<<10+199 {
		t.Error("the newest blocks are gone")
	}
}

func TestMemoryThatNobodyAsksForIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recycler
		r.put(make([]byte, 1<<20))
		r.put(r.take(1 << 20))
		time.Sleep(recycleTime + 1)
		if r.size != 1<<20 {
			t.Errorf("%d bytes wait after %v with use", r.size, recycleTime)
		}
		time.Sleep(recycleTime)
		if r.size != 0 || r.blocks != nil || r.timer != nil {
			t.Errorf("%d bytes wait after %v without use", r.size, recycleTime)
		}
	})
}
