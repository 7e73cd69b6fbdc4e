package balance

import (
	"sync/atomic"

	"github.com/yodelrpc/yodel/rpc"
)

// RoundRobin takes one link after another, but rather one that is ready than one that is not, and after a failed
// attempt rather another server.
type RoundRobin struct{}

// Picker implements [Balancer].
func (RoundRobin) Picker(links []Link, _ Picker) Picker { return &roundRobin{links: links} }

type roundRobin struct {
	links []Link
	next  atomic.Uint32 // advanced by each Pick
}

func (p *roundRobin) Pick(_ *rpc.Call, failed Link) int {
	n := len(p.links)
	if n == 1 {
		return 0
	}
	first := int(p.next.Add(1) % uint32(n))
	best, bestRank := first, -1
	for i := range n {
		j := (first + i) % n
		rank := 0
		if p.links[j].Ready() {
			rank += 2
		} else if i == 0 {
			p.links[j].Wake()
		}
		if failed == nil || p.links[j].Server().Address != failed.Server().Address {
			rank++
		}
		if rank == 3 {
			return j
		}
		if rank > bestRank {
			best, bestRank = j, rank
		}
	}
	return best
}
