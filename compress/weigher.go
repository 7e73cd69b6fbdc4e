package compress

import (
	"sync"
	"time"
)

// A Link is what is known of the network that messages leave by.
type Link struct {
	// Bandwidth is in bytes a second; 0 where no message has had to wait for the network, so that there is no limit to
	// be seen.
	Bandwidth float64
	// Load is how busy this process keeps the machine's processors, from 0 to 1.
	Load float64
}

// A Weigher decides which of the messages of one method, in one direction of one connection, to compress, and with
// which codec: with the one that gains most time, and with none where none gains any. What a codec gains by a message
// is the time that the bytes which it saves would have taken on the link, less the time of compressing and
// decompressing, which counts up to four times on a busy machine:
//
//	(1 - ratio) * size / bandwidth  -  (encode + decode) * size * (1 + 3 * load^2)
//
// ratio and encode are moving averages of what the codec has done to the method's messages. decode, which the sender
// does not see, is taken as half of encode. A codec that is not in use is tried with one message in a while: with three
// at once when the link is first seen to have a limit, then after 64 messages, and after twice as many at each failure,
// up to 1,024.
//
// It reads no clock and asks no system, so that the same calls lead to the same decisions. Any number of goroutines may
// use it at once.
type Weigher struct {
	mu     sync.Mutex
	codecs []weighed
	stats  *Counter // nil for none
}

// A weighed codec is one with what is known of it.
type weighed struct {
	floor  int
	seen   int     // messages that it was tried on, up to a few
	ratio  float64 // what is left of a byte
	encode float64 // seconds a byte
	wait   int     // messages until it is tried again, while it is not in use
	gap    int     // what wait begins with
}

const (
	firstTries = 3 // at once, when there is a limit for the first time

	firstGap = 64
	lastGap  = 1024

	// newWeight is the weight of what is new in a moving average.
	newWeight = 1. / 8
	// The time of a message that took longer than others is mostly that of what else had the processor meanwhile, for
	// which the load stands already. So quicker ones count for more.
	quickerWeight = 1. / 2
	slowerWeight  = 1. / 32
	// outlier bounds what one message changes: one that takes longer has been interrupted.
	outlier = 4

	// LeastSaved is the part of a message that compression has to save; with less it is sent as it is.
	LeastSaved = 1. / 8

	decodeShare = 1. / 2
)

// NewWeigher returns a Weigher for codecs, the most preferred first, that counts in stats unless that is nil.
func NewWeigher(codecs []Codec, stats *Counter) *Weigher {
	w := &Weigher{codecs: make([]weighed, len(codecs)), stats: stats}
	for i, c := range codecs {
		w.codecs[i] = weighed{floor: c.Floor, gap: firstGap}
	}
	return w
}

// Choose returns by its index the codec to try on a message of size bytes, -1 for none. Whoever compresses with it
// tells Tried what came of that.
func (w *Weigher) Choose(size int, link Link) int {
	if link.Bandwidth <= 0 { // most often, and without a lock
		w.stats.count(unlimited)
		return -1
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	best := w.bestLocked(size, link)
	for i := range w.codecs {
		c := &w.codecs[i]
		if i == best || size < c.floor {
			continue
		}
		if c.wait--; c.wait < 0 {
			if c.seen >= firstTries-1 {
				c.wait = c.gap
				c.gap = min(2*c.gap, lastGap) // which Tried takes back if it was a success
			}
			w.stats.count(try)
			return i
		}
	}
	if best < 0 {
		w.stats.count(notWorth)
	}
	return best
}

// bestLocked returns the codec that gains most by a message of size bytes, -1 where none gains any.
func (w *Weigher) bestLocked(size int, link Link) int {
	best, most := -1, 0.
	for i, c := range w.codecs {
		if gain := c.gain(link); c.seen > 0 && size >= c.floor && gain > most {
			best, most = i, gain
		}
	}
	return best
}

// gain returns the seconds that the codec gains with each byte.
func (c *weighed) gain(link Link) float64 {
	return (1-c.ratio)/link.Bandwidth - c.encode*(1+decodeShare)*(1+3*link.Load*link.Load)
}

// Tried tells that a codec has made packed bytes of size, in the time took. It reports whether that saves enough to be
// sent so.
func (w *Weigher) Tried(codec, size, packed int, took time.Duration, link Link) (send bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	send = SavesEnough(size, packed)
	left := 1.
	if send {
		left = float64(packed) / float64(size)
	}
	c := &w.codecs[codec]
	c.learn(left, took.Seconds()/float64(max(size, 1)))
	if w.bestLocked(size, link) == codec {
		c.wait, c.gap = firstGap, firstGap
	}
	w.stats.CountTried(size, packed, took, send)
	return send
}

// SavesEnough reports whether packed bytes are worth sending in place of size.
func SavesEnough(size, packed int) bool { return float64(packed) <= float64(size)*(1-LeastSaved) }

func (c *weighed) learn(ratio, encode float64) {
	switch {
	case c.seen == 0:
		c.ratio, c.encode = ratio, encode
	case c.seen < firstTries: // the first ones make the codec's tables, which says nothing of those to come
		c.encode = min(c.encode, encode)
	}
	c.seen = min(c.seen+1, firstTries)
	c.ratio += (ratio - c.ratio) * newWeight
	weight := slowerWeight
	if encode < c.encode {
		weight = quickerWeight
	}
	c.encode += (min(encode, outlier*c.encode) - c.encode) * weight
}
