package compress_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/compress"
)

// A fakeCodec is what a codec does to all messages.
type fakeCodec struct {
	floor   int
	ratio   float64
	perByte float64 // nanoseconds
}

func codecs(fakes ...fakeCodec) []compress.Codec {
	var all []compress.Codec
	for _, f := range fakes {
		all = append(all, compress.Codec{Floor: f.floor})
	}
	return all
}

// send lets w decide about n messages, and returns how many each codec was tried on; the last is none.
func send(w *compress.Weigher, n, size int, link compress.Link, fakes ...fakeCodec) []int {
	counts := make([]int, len(fakes)+1)
	for range n {
		i := w.Choose(size, link)
		if i < 0 {
			counts[len(fakes)]++
			continue
		}
		counts[i]++
		took := time.Duration(fakes[i].perByte * float64(size))
		w.Tried(i, size, int(fakes[i].ratio*float64(size)), took, link)
	}
	return counts
}

func mbit(n float64) compress.Link { return compress.Link{Bandwidth: n * 1e6 / 8} }

var (
	fast  = fakeCodec{512, 0.5, 1}   // a gigabyte a second
	small = fakeCodec{4096, 0.33, 4} // a quarter of that
	none  = fakeCodec{512, 1, 1}     // finds nothing to save
)

func TestWeigher(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		link  compress.Link
		size  int
		fakes []fakeCodec
		want  int // the codec that nearly all messages go by
	}{
		"no limit seen":          {compress.Link{}, 64 << 10, []fakeCodec{fast, small}, 2},
		"slow link":              {mbit(10), 64 << 10, []fakeCodec{fast, small}, 1},
		"100 Mbit/s":             {mbit(100), 64 << 10, []fakeCodec{fast, small}, 1},
		"1 Gbit/s":               {mbit(1000), 64 << 10, []fakeCodec{fast, small}, 0},
		"10 Gbit/s":              {mbit(10_000), 64 << 10, []fakeCodec{fast, small}, 2},
		"nothing saved":          {mbit(10), 64 << 10, []fakeCodec{none}, 1},
		"too little saved":       {mbit(1), 64 << 10, []fakeCodec{{512, 0.9, 1}}, 1},
		"below one floor":        {mbit(10), 2000, []fakeCodec{fast, small}, 0},
		"below all floors":       {mbit(10), 500, []fakeCodec{fast, small}, 2},
		"idle at the break-even": {compress.Link{Bandwidth: 250e6}, 64 << 10, []fakeCodec{fast}, 0},
		"busy at the break-even": {compress.Link{Bandwidth: 250e6, Load: 1}, 64 << 10, []fakeCodec{fast}, 1},
	} {
		w := compress.NewWeigher(codecs(test.fakes...), nil)
		counts := send(w, 10_000, test.size, test.link, test.fakes...)
		if counts[test.want] < 9900 {
			t.Errorf("%s: %v, want nearly all at %d", name, counts, test.want)
		}
	}
}

// A codec that never pays is tried three times at once, after 64, 128, ... 1,024 others, and every 1,024 from then on.
func TestWeigherTries(t *testing.T) {
	t.Parallel()
	w := compress.NewWeigher(codecs(none), nil)
	var at []int
	for i := range 5000 {
		if w.Choose(1000, mbit(10)) == 0 {
			at = append(at, i)
			w.Tried(0, 1000, 1000, time.Microsecond, mbit(10))
		}
	}
	want := []int{0, 1, 2, 67, 196, 453, 966, 1991, 3016, 4041}
	if len(at) != len(want) {
		t.Fatalf("tried at %v, want %v", at, want)
	}
	for i := range at {
		if at[i] != want[i] {
			t.Fatalf("tried at %v, want %v", at, want)
		}
	}
}

// What messages are like and what the link is like may change, and the decision follows.
func TestWeigherFollows(t *testing.T) {
	t.Parallel()
	w := compress.NewWeigher(codecs(fast), nil)
	steps := []struct {
		name string
		link compress.Link
		fake fakeCodec
		want int
	}{
		{"pays", mbit(100), fast, 0},
		{"messages become noise", mbit(100), none, 1},
		{"and text again", mbit(100), fast, 0},
		{"a faster link", mbit(20_000), fast, 1},
		{"a slower one", mbit(100), fast, 0},
	}
	for _, s := range steps {
		send(w, 20_000, 8000, s.link, s.fake) // by when a try has come by
		if counts := send(w, 2000, 8000, s.link, s.fake); counts[s.want] < 1990 {
			t.Errorf("%s: %v", s.name, counts)
		}
	}
}

// One message that takes long, for something else had the processor, does not turn compression off.
func TestWeigherInterrupted(t *testing.T) {
	t.Parallel()
	w := compress.NewWeigher(codecs(fast), nil)
	send(w, 100, 8000, mbit(100), fast)
	if i := w.Choose(8000, mbit(100)); i != 0 {
		t.Fatal(i)
	}
	w.Tried(0, 8000, 4000, time.Second, mbit(100))
	if i := w.Choose(8000, mbit(100)); i != 0 {
		t.Error("off after one message")
	}
}

// The first message of a codec makes its tables, which takes long and says nothing of those to come.
func TestWeigherColdStart(t *testing.T) {
	t.Parallel()
	w := compress.NewWeigher(codecs(fast), nil)
	for _, took := range []time.Duration{50 * time.Millisecond, time.Millisecond, 8 * time.Microsecond} {
		if i := w.Choose(8000, mbit(1000)); i != 0 {
			t.Fatal("not tried")
		}
		w.Tried(0, 8000, 4000, took, mbit(1000))
	}
	if counts := send(w, 50, 8000, mbit(1000), fast); counts[0] != 50 {
		t.Errorf("%v", counts)
	}
}

// Whatever comes, each message is counted once, no codec is chosen below its floor or without a limit, and what is sent
// saves an eighth.
func TestWeigherRandom(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		var stats compress.Stats
		fakes := []fakeCodec{fast, small, none}[:1+random.IntN(3)]
		w := compress.NewWeigher(codecs(fakes...), stats.Method("m", true))
		messages, sent := 0, 0
		for range 3000 {
			link := compress.Link{Bandwidth: random.ExpFloat64() * 1e8, Load: random.Float64()}
			if random.IntN(5) == 0 {
				link.Bandwidth = 0
			}
			size := random.IntN(1 << (1 + random.IntN(20)))
			messages++
			i := w.Choose(size, link)
			if i < 0 {
				continue
			}
			if link.Bandwidth == 0 || size < fakes[i].floor {
				t.Fatalf("seed %d: codec %d for %d bytes at %v", seed, i, size, link)
			}
			packed := random.IntN(2*size + 1)
			send := w.Tried(i, size, packed, time.Duration(random.IntN(1e6)), link)
			if send != (packed*8 <= size*7) {
				t.Fatalf("seed %d: %d bytes made of %d, sent: %v", seed, packed, size, send)
			}
			if send {
				sent++
			}
		}
		s := stats.Methods()[0]
		if n := s.Unlimited + s.NotWorth + s.Sent + s.Dropped; int(n) != messages || int(s.Sent) != sent {
			t.Fatalf("seed %d: %d messages, %d sent, counted as %+v", seed, messages, sent, s)
		}
	}
}

func TestMeter(t *testing.T) {
	t.Parallel()
	var m compress.Meter
	if m.Bandwidth() != 0 {
		t.Error("a bandwidth of nothing")
	}
	m.Wrote(32<<10, time.Second)
	if m.Bandwidth() != 0 {
		t.Error("a bandwidth of little")
	}
	m = compress.Meter{}
	m.Wrote(4<<20, time.Millisecond) // into a buffer
	if m.Bandwidth() != 0 {
		t.Error("a bandwidth of a burst")
	}
	for range 100 {
		m.Wrote(125_000, 100*time.Millisecond)
	}
	if b := m.Bandwidth(); b < 1.2e6 || b > 1.3e6 {
		t.Errorf("%v bytes a second over a link of 1.25e6", b)
	}
	for range 20 {
		m.Wrote(1_250_000, 100*time.Millisecond)
	}
	if b := m.Bandwidth(); b < 12e6 || b > 13e6 {
		t.Errorf("%v bytes a second once it is one of 12.5e6", b)
	}
}

func TestOptionsValidate(t *testing.T) {
	t.Parallel()
	c := compress.Codec{
		Name: "x", Compress: func(dst, _ []byte) []byte { return dst },
		Decompress: func(dst, _ []byte, _ int) ([]byte, error) { return dst, nil },
	}
	for name, o := range map[string]compress.Options{
		"twice":     {Codecs: []compress.Codec{c, c}},
		"many":      {Codecs: make([]compress.Codec, 9)},
		"no codec":  {Codecs: make([]compress.Codec, 1)},
		"no policy": {Policy: 3},
	} {
		if o.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, o := range []compress.Options{{}, {Codecs: []compress.Codec{c}, Policy: compress.Never}} {
		if err := o.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	var s compress.Stats
	s.Method("b", true).CountUnwanted()
	s.Method("b", false).CountTried(100, 20, time.Second, true)
	s.Method("b", false).CountTried(100, 99, time.Second, false)
	s.Method("a", false).CountUnwanted()
	(*compress.Stats)(nil).Method("a", true).CountUnwanted() // and none is counted
	all := s.Methods()
	if len(all) != 3 || all[0].Method != "a" || !all[1].Requests || all[2].Requests {
		t.Fatalf("%+v", all)
	}
	want := compress.MethodStats{Method: "b", Sent: 1, Dropped: 1, Bytes: 200, Compressed: 120, Time: 2 * time.Second}
	if all[1].Unwanted != 1 || all[2] != want {
		t.Errorf("%+v", all)
	}
}

// Many connections count at once, while what they count is read.
func TestStatsOfMany(t *testing.T) {
	t.Parallel()
	var s compress.Stats
	var counting sync.WaitGroup
	const many, each = 8, 1000
	for range many {
		counting.Go(func() {
			c := s.Method("m", true)
			for range each {
				c.CountUnwanted()
				c.CountTried(10, 5, time.Nanosecond, true)
				c.CountTried(10, 9, time.Nanosecond, false)
			}
		})
	}
	_ = s.Methods()
	counting.Wait()
	const n = many * each
	want := compress.MethodStats{
		Method: "m", Requests: true, Unwanted: n, Sent: n, Dropped: n, Bytes: 20 * n, Compressed: 15 * n, Time: 2 * n,
	}
	if all := s.Methods(); len(all) != 1 || all[0] != want {
		t.Errorf("%+v, want %+v", all, want)
	}
}
