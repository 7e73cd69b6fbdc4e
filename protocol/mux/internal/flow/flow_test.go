package flow

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Whatever a sender and a reader do, and in whatever order credits arrive, more than once too, no more is sent than the
// receiver has granted, what is held stays within the window, and a sender can always go on once all has been read.
func TestRandomOperations(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random(t, rand.New(rand.NewPCG(seed, 7)))
	}
}

func random(t *testing.T, r *rand.Rand) {
	const most = 1 << 20
	window := 32<<10 + r.IntN(96<<10)
	var (
		now      = time.Unix(0, 0)
		clock    = func() time.Time { return now }
		recv     Receiver
		send     Sender
		path     Path
		credits  []uint64 // under way, in any order
		wire     []int    // messages under way
		sent     uint64
		arrived  uint64
		read     uint64
		waiting  bool
		previous uint64
	)
	recv.Init(window, most)
	send.Init(window)
	consume := func(n int) {
		read += uint64(n)
		if recv.Consumed(n, clock) {
			credits = append(credits, recv.Granted())
		}
	}
	for range 3000 {
		now = now.Add(time.Duration(r.IntN(3_000_000)))
		switch r.IntN(5) {
		case 0, 1:
			if n := 1 + r.IntN(20_000); send.Left() >= min(n, Least) {
				n = min(n, send.Left())
				send.Sent(n)
				sent += uint64(n)
				wire = append(wire, n)
			}
		case 2:
			if len(wire) > 0 {
				n := wire[0]
				wire = wire[1:]
				arrived += uint64(n)
				if arrived > recv.Granted() {
					t.Fatalf("%d bytes have come, %d are granted", arrived, recv.Granted())
				}
				recv.Arrived(n, waiting && arrived-uint64(n) == read, &path, clock)
				waiting = false
			}
		case 3:
			if held := int(arrived - read); held > 0 {
				consume(1 + r.IntN(held))
			}
			waiting = arrived == read
		case 4:
			if len(credits) > 0 {
				i := r.IntN(len(credits))
				send.Credit(credits[i])
				if r.IntN(3) > 0 { // else it comes again
					credits = append(credits[:i], credits[i+1:]...)
				}
			}
		}
		if recv.Granted() < previous || recv.Granted() > read+most {
			t.Fatalf("granted %d after %d, of which %d are read", recv.Granted(), previous, read)
		}
		previous = recv.Granted()
	}
	for _, n := range wire {
		arrived += uint64(n)
		recv.Arrived(n, false, &path, clock)
	}
	if held := int(arrived - read); held > 0 {
		consume(held)
	}
	for _, c := range credits {
		send.Credit(c)
	}
	if send.Left() < Least {
		t.Fatalf("all of %d bytes is read, and the sender has credit for %d, of %d granted", sent, send.Left(),
			recv.Granted())
	}
}

// A window grows as far as the way is long, and where the reader is what takes long it does not.
func TestWindowGrows(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		trip    time.Duration
		starved bool
		want    uint32
	}{
		{"a long way", 50 * time.Millisecond, true, 4 << 20},
		{"a short way", 100 * time.Microsecond, true, ShortWindow},
		{"a slow reader", 50 * time.Millisecond, false, 64 << 10},
	} {
		now := time.Unix(0, 0)
		clock := func() time.Time { return now }
		var r Receiver
		var path Path
		r.Init(64<<10, 4<<20)
		for range 100 {
			n := int(r.granted - r.arrived)
			r.Arrived(n-1, false, &path, clock)
			granted := r.Consumed(n-1, clock)
			now = now.Add(tt.trip)
			if !granted {
				t.Fatalf("%s: no credit although all was read", tt.name)
			}
			r.Arrived(2, tt.starved, &path, clock)
			r.Consumed(2, clock)
		}
		if r.window != tt.want {
			t.Errorf("%s: the window is %d, want %d", tt.name, r.window, tt.want)
		}
	}
}

// A credit that is lower than an earlier one, as one that comes again, changes nothing.
func TestCreditNeverShrinks(t *testing.T) {
	t.Parallel()
	var s Sender
	s.Init(100)
	s.Sent(50)
	for _, c := range []uint64{10, 100, 300, 200, 300} {
		s.Credit(c)
	}
	if s.Left() != 250 {
		t.Errorf("%d bytes are left, want 250", s.Left())
	}
}
