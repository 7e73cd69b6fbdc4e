package pipeline

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQueue does what a connection does to its queue, at random, and to a plain list beside it.
func TestQueue(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		var q queue
		var want []*pending
		var starts []uint64
		var end uint64
		for range 500 {
			switch i := 0; random.IntN(4) {
			case 0, 1:
				p := new(pending)
				q.push(entry{pending: p, start: end})
				want, starts = append(want, p), append(starts, end)
				end += uint64(random.IntN(10) + 1)
			case 2:
				if len(want) > 0 {
					if got := q.pop(); got.pending != want[0] || got.start != starts[0] {
						t.Fatalf("seed %d: pop returned the wrong entry", seed)
					}
					want, starts = want[1:], starts[1:]
				}
			case 3:
				if len(want) > 0 {
					i = random.IntN(len(want))
					next := end
					if i+1 < len(want) {
						next = starts[i+1]
					}
					size := next - starts[i]
					q.remove(q.head+uint64(i), size)
					want, starts = slices.Delete(want, i, i+1), slices.Delete(starts, i, i+1)
					for k := i; k < len(starts); k++ {
						starts[k] -= size
					}
					end -= size
				}
			}
			checkQueue(t, &q, want, starts)
		}
	}
}

func checkQueue(t *testing.T, q *queue, want []*pending, starts []uint64) {
	t.Helper()
	if q.len() != len(want) {
		t.Fatalf("the queue has %d entries, want %d", q.len(), len(want))
	}
	for i, p := range want {
		e := q.at(q.head + uint64(i))
		if e.pending != p || e.start != starts[i] || !q.holds(p) || q.holds(new(pending)) {
			t.Fatalf("entry %d is %+v, want one that starts at %d", i, e, starts[i])
		}
	}
}
