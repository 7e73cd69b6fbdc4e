// Package codectest is the suite that every codec passes.
package codectest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/compress"
)

// Run tests the codec. bomb is 512 MiB of zeros, compressed.
func Run(t *testing.T, c compress.Codec, bomb func() []byte) {
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	t.Run("roundtrip", func(t *testing.T) { t.Parallel(); roundtrip(t, c) })
	t.Run("limit", func(t *testing.T) { t.Parallel(); limit(t, c) })
	t.Run("corrupt", func(t *testing.T) { t.Parallel(); corrupt(t, c) })
	t.Run("concurrent", func(t *testing.T) { t.Parallel(); concurrent(t, c) })
	t.Run("bomb", func(t *testing.T) { defuse(t, c, bomb()) }) // alone, for it is measured
}

// Messages returns messages of many lengths and kinds, always the same ones.
func Messages() [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	var all [][]byte
	for _, n := range []int{0, 1, 2, 100, 511, 4096, 65_535, 65_536, 200_000, 1<<20 + 1} {
		noise := make([]byte, n)
		for i := range noise {
			noise[i] = byte(random.Uint32())
		}
		mixed := bytes.Repeat([]byte("status=active "), n/14+1)[:n]
		copy(mixed[n/2:], noise[:n/4])
		all = append(all, noise, make([]byte, n), Text(n), mixed)
	}
	return all
}

// Text returns n bytes that compress as text does.
func Text(n int) []byte {
	random := rand.New(rand.NewPCG(3, 4))
	words := strings.Fields(
		"the call of a method carries its parameters to server and back comes result or exception " +
			"deadline metadata connection which takes no more than limit says unless peer 17 42 1000 asked for it")
	var b strings.Builder
	for b.Len() < n {
		fmt.Fprintf(&b, "%s ", words[random.IntN(len(words))])
		if random.IntN(9) == 0 {
			fmt.Fprintf(&b, "%d, ", random.Uint32())
		}
	}
	return []byte(b.String()[:n])
}

func roundtrip(t *testing.T, c compress.Codec) {
	for i, m := range Messages() {
		packed := c.Compress([]byte("before"), m)
		if !bytes.HasPrefix(packed, []byte("before")) {
			t.Fatalf("message %d: what stood in dst is gone", i)
		}
		packed = packed[len("before"):]
		for _, room := range []int{0, len(m) / 2, len(m), len(m) + 1000} {
			dst := append(make([]byte, 0, room+3), "abc"...)
			got, err := c.Decompress(dst, packed, len(m))
			if err != nil {
				t.Fatalf("message %d of %d bytes: %v", i, len(m), err)
			}
			if string(got[:3]) != "abc" || !bytes.Equal(got[3:], m) {
				t.Fatalf("message %d of %d bytes differs, with room for %d", i, len(m), room)
			}
		}
	}
}

func limit(t *testing.T, c compress.Codec) {
	for i, m := range Messages() {
		if len(m) == 0 {
			continue
		}
		packed := c.Compress(nil, m)
		for _, limit := range []int{0, len(m) / 2, len(m) - 1} {
			got, err := c.Decompress([]byte("abc"), packed, limit)
			if !errors.Is(err, compress.ErrTooLarge) || string(got) != "abc" {
				t.Errorf("message %d of %d bytes, limit %d: %d bytes and %v", i, len(m), limit, len(got), err)
			}
		}
	}
}

// corrupt gives the codec what is cut, changed and made up. What passes must be within the limit.
func corrupt(t *testing.T, c compress.Codec) {
	packed := c.Compress(nil, Text(6000))
	for n := 0; n < len(packed); n += slower {
		if _, err := c.Decompress(nil, packed[:n], 6000); !errors.Is(err, compress.ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(packed), err)
		}
	}
	if _, err := c.Decompress(nil, append(packed, 'x', 'y', 'z'), 12_000); !errors.Is(err, compress.ErrCorrupt) {
		t.Errorf("with three bytes more: %v", err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for range 2000 / slower {
		bad := bytes.Clone(packed)
		for range 1 + random.IntN(3) {
			bad[random.IntN(len(bad))] ^= byte(1 << random.IntN(8))
		}
		Check(t, c, bad, 6000)
	}
}

// Check fails the test if the codec returns neither one of its errors nor something within the limit.
func Check(t *testing.T, c compress.Codec, packed []byte, limit int) {
	t.Helper()
	got, err := c.Decompress([]byte("abc"), packed, limit)
	if err != nil && !errors.Is(err, compress.ErrCorrupt) && !errors.Is(err, compress.ErrTooLarge) {
		t.Fatalf("an error of another kind: %v", err)
	}
	if !bytes.HasPrefix(got, []byte("abc")) || len(got) > 3+limit || err != nil && len(got) != 3 {
		t.Fatalf("%d bytes, with limit %d and error %v", len(got)-3, limit, err)
	}
}

func concurrent(t *testing.T, c compress.Codec) {
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			m := Text(20_000 + i*1000)
			for range 1 + 20/slower {
				packed := c.Compress(nil, m)
				got, err := c.Decompress(nil, packed, len(m))
				if err != nil || !bytes.Equal(got, m) {
					t.Errorf("goroutine %d: differs, error %v", i, err)
					return
				}
				Check(t, c, packed[:len(packed)/2], len(m))
			}
		})
	}
	wg.Wait()
}

// What refusing a bomb may take.
const (
	bombLimit  = 4 << 20
	bombMemory = 32 << 20
	bombTime   = 100 * time.Millisecond
)

// defuse takes the best of several times, for the machine may be busy; memory is all that is allocated, garbage too.
func defuse(t *testing.T, c compress.Codec, bomb []byte) {
	best := time.Hour
	for range 5 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		_, err := c.Decompress(nil, bomb, bombLimit)
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, compress.ErrTooLarge) {
			t.Fatalf("a bomb of %d bytes: %v", len(bomb), err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > bombMemory {
			t.Errorf("a bomb of %d bytes took %d bytes of memory", len(bomb), n)
		}
		best = min(best, took)
	}
	if best > bombTime*slower {
		t.Errorf("a bomb of %d bytes took %v", len(bomb), best)
	}
	t.Logf("a bomb of %d bytes is refused in %v", len(bomb), best)
}

// Fuzz is the fuzz target of a codec's decoder, whose seeds are the messages of the other tests.
func Fuzz(f *testing.F, c compress.Codec) {
	for _, m := range Messages() {
		if len(m) <= 1<<16 {
			f.Add(c.Compress(nil, m), len(m))
		}
	}
	f.Fuzz(func(t *testing.T, packed []byte, limit int) {
		limit = int(uint(limit) % (1 << 20))
		Check(t, c, packed, limit)
		got, err := c.Decompress(nil, c.Compress(nil, packed), len(packed))
		if err != nil || !bytes.Equal(got, packed) {
			t.Fatalf("a message of %d bytes does not come back: %v", len(packed), err)
		}
	})
}
