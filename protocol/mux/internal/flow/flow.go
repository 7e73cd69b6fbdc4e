// Package flow is the flow control of the mux protocol's streams, PROTOCOL.md, section 8: what one side may send, and
// how much credit the other gives. It knows no frames, no clock and no locks: whoever has a [Receiver] or a [Sender]
// sees to it that one goroutine at a time uses it.
//
// Credit is an absolute offset: how many bytes there may be in all since the stream began. So a credit that comes
// twice, or late, changes nothing, and no sum goes wrong for ever by one mistake.
package flow

import "time"

const (
	// ShortWindow is how far a window grows where the way to the sender is short.
	ShortWindow = 192 << 10
	// longWay is the time, there and back, from which on a way is long.
	longWay = time.Millisecond
	// Least is the credit that every sender has, or gets without doing anything, once all that it sent has been read.
	// So one that has less waits for no more than this before it sends.
	Least = 16 << 10
)

// A Path is what is known of the way to one peer, which the receivers of a connection share.
type Path struct {
	trip time.Duration // the shortest that a credit has taken there, and what it was for back; 0 until one has
}

func (p *Path) sample(d time.Duration) {
	if d = max(d, 1); p.trip == 0 || d < p.trip {
		p.trip = d
	}
}

// A Receiver is the receiving side of one stream.
type Receiver struct {
	window, most uint32
	granted      uint64 // what may come in all
	arrived      uint64 // what has
	consumed     uint64 // what of it has been read
	probe        uint64 // when more than this has come, the sender has the last credit; 0 for nobody asks
	since        time.Time
}

// Init begins with a window that was granted beforehand, which may grow to most.
func (r *Receiver) Init(window, most int) {
	r.window, r.most, r.granted = uint32(window), uint32(most), uint64(window)
}

// Granted returns how many bytes may come in all.
func (r *Receiver) Granted() uint64 { return r.granted }

// Arrived takes note of n bytes more. Starved says that the reader has been waiting for them with nothing left to read;
// now is asked only where the time matters.
func (r *Receiver) Arrived(n int, starved bool, path *Path, now func() time.Time) {
	r.arrived += uint64(n)
	if r.probe == 0 || r.arrived <= r.probe {
		return
	}
	r.probe = 0
	trip := now().Sub(r.since)
	path.sample(trip)
	if !starved { // the reader is what takes long
		return
	}
	most := r.most
	if path.trip < longWay || trip < longWay {
		most = min(most, ShortWindow)
	}
	if r.window < most {
		r.window = min(2*r.window, most)
	}
}

// Consumed takes note that n bytes have been read, or that the reader waits for them: those of a message of which the
// first piece has come may be counted before they arrive. It reports whether there is a credit to send, which Granted
// then returns: when half of the window is free, so that few are needed.
func (r *Receiver) Consumed(n int, now func() time.Time) (grant bool) {
	r.consumed += uint64(n)
	if r.consumed+uint64(r.window) < r.granted+uint64(r.window/2) {
		return false
	}
	before := r.granted
	r.granted = r.consumed + uint64(r.window)
	if r.arrived+Least > before { // the sender has nothing left, or will not have until the credit comes
		r.probe, r.since = before, now()
	}
	return true
}

// Raise reports whether there is a credit to send that frees least bytes of the window or more, as Consumed does with
// half of it: for when what is left of the credit is hardly enough.
func (r *Receiver) Raise(least int) (grant bool) {
	if r.consumed+uint64(r.window) < r.granted+uint64(least) {
		return false
	}
	r.granted = r.consumed + uint64(r.window)
	return true
}

// A Sender is the sending side of one stream, or of all streams of a connection.
type Sender struct {
	allowed uint64
	sent    uint64
}

// Init begins with a window that was granted beforehand.
func (s *Sender) Init(window int) { s.allowed = uint64(window) }

// Left returns how many bytes may be sent.
func (s *Sender) Left() int { return int(min(s.allowed-s.sent, 1<<30)) }

// Sent takes note of n bytes, of which there were so many left.
func (s *Sender) Sent(n int) { s.sent += uint64(n) }

// Credit takes note of an offset that the peer has sent. It reports whether that is more than before.
func (s *Sender) Credit(offset uint64) bool {
	if offset <= s.allowed {
		return false
	}
	s.allowed = offset
	return true
}
