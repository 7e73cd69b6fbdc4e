package balance_test

import (
	"testing"

	"github.com/yodelrpc/yodel/balance"
	"github.com/yodelrpc/yodel/resolve"
)

type link struct {
	address string
	ready   bool
	woken   int
}

func (l *link) Server() resolve.Server { return resolve.Server{Address: l.address} }
func (l *link) Ready() bool            { return l.ready }
func (l *link) InFlight() int          { return 0 }
func (l *link) Wake()                  { l.woken++ }

func TestRoundRobin(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		ready  [3]bool // of the links to a, a and b
		failed int     // -1 for none
		want   [3]int  // how often each is picked of six times
	}{
		{"all ready", [3]bool{true, true, true}, -1, [3]int{2, 2, 2}},
		{"none ready", [3]bool{}, -1, [3]int{2, 2, 2}},
		{"one ready", [3]bool{false, true, false}, -1, [3]int{0, 6, 0}},
		{"another server after a failure", [3]bool{true, true, true}, 0, [3]int{0, 0, 6}},
		{"the same server, if no other is ready", [3]bool{false, true, false}, 0, [3]int{0, 6, 0}},
		{"another server, if none is ready", [3]bool{}, 1, [3]int{0, 0, 6}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			links := []*link{{address: "a"}, {address: "a"}, {address: "b"}}
			var all []balance.Link
			for i, l := range links {
				l.ready = test.ready[i]
				all = append(all, l)
			}
			var failed balance.Link
			if test.failed >= 0 {
				failed = all[test.failed]
			}
			p := balance.RoundRobin{}.Picker(all, nil)
			var got [3]int
			for range 6 {
				got[p.Pick(nil, failed)]++
			}
			if got != test.want {
				t.Errorf("picked %v times; want %v", got, test.want)
			}
			for i, l := range links {
				if woken := l.woken > 0; woken == l.ready {
					t.Errorf("link %d: ready %v, woken %v", i, l.ready, woken)
				}
			}
		})
	}
}
