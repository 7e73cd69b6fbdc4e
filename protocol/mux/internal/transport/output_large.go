package transport

import (
	"net"
	"slices"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/wire"
)

// shareFrom is the size from which strings and bytes are written from where they are, where the connection is a socket.
const shareFrom = 32 << 10

// largeQuantum is how many bytes of one large message are written before it is another's turn. Messages up to this size
// go whole: if all went at once, all would arrive late, and their answers would wait for one another.
const largeQuantum = 1 << 20

// largeAtOnce is how many large messages are on their way at once: those that have begun take memory at the receiver,
// who may bound that.
const largeAtOnce = 4

// firstPiece is how many bytes the first frame of a large message has of it. The receiver reads that frame into a
// buffer, and those that follow straight to the message's place.
const firstPiece = 512

// A LargeMessage is a message that is not copied into an Output's buffer: it does not fit into one frame, or shares
// content with its sender. Its bytes are the Output's until they are written or withdrawn.
type LargeMessage struct {
	first   frame.Header // of the first frame; its body begins with prefix
	prefix  []byte
	message [][]byte
	left    int  // bytes of message that no write has begun with
	unsent  int  // bytes of message that the network has not taken
	burst   int  // bytes of message written since it was the first of those that wait
	begun   bool // the first frame is written, or is being
	writing bool // a write that is under way reads message
}

// Left returns how many bytes of the message no write has begun with: all of them before it is given to an [Output].
func (m *LargeMessage) Left() int { return m.left }

// A piece is one frame of a large message within one write.
type piece struct {
	of   *LargeMessage
	head int
	n    int
}

// A pieceWrite is what a write has of large messages. Few connections need one.
type pieceWrite struct {
	all   []piece // that are not yet written
	heads [piecesPerWrite][frame.HeaderSize]byte

	// interrupted is closed when a write that was interrupted for a message withdrawn no longer reads it; nil for none
	interrupted chan struct{}
}

// SealFrame completes the header of a frame: b[at:], or what enc has where it shares content. The message begins at
// start. One that shares content or does not fit into a frame becomes a large message, which keeps b from at on.
func SealFrame(h frame.Header, b []byte, at, start int, enc *wire.Encoder) *LargeMessage {
	h.Length = len(b) - at - frame.HeaderSize
	if !enc.Shares() && h.Length <= frame.MaxBody {
		h.Put(b[at:])
		return nil
	}
	h.Length = enc.Size() - at - frame.HeaderSize
	message := enc.Segments()
	message[0] = message[0][start:]
	total := enc.Size() - start
	h.Flags |= frame.FlagPieces
	prefix := frame.AppendTotal(slices.Clone(b[at+frame.HeaderSize:start]), total)
	return &LargeMessage{first: h, prefix: prefix, message: message, left: total, unsent: total}
}

// AppendLarge adds a large message.
func (o *Output) AppendLarge(m *LargeMessage) error {
	o.mu.Lock()
	if err := o.refusalLocked(m.first.Type == frame.TypeCall); err != nil {
		o.mu.Unlock()
		return err
	}
	o.large = append(o.large, m)
	o.unsentLarge += m.left
	o.checkFullLocked()
	if o.writing {
		o.mu.Unlock()
		return nil
	}
	o.writing = true
	o.mu.Unlock()
	o.write()
	return nil
}

// Withdraw takes the rest of a large message back: when it returns nothing reads what the message shares with its
// sender. It reports whether none of its bytes will ever be sent.
func (o *Output) Withdraw(m *LargeMessage) (unsent bool) {
	o.mu.Lock()
	if i := slices.Index(o.large, m); i >= 0 {
		o.large = slices.Delete(o.large, i, i+1)
		o.unsentLarge -= m.left
	}
	unsent = !m.begun
	var interrupted chan struct{}
	if m.writing && o.conn.isSocket() { // elsewhere the message shares nothing, and TLS does not go on after a deadline
		if o.pieces.interrupted == nil {
			o.pieces.interrupted = make(chan struct{})
			o.conn.interruptWrite()
		}
		interrupted = o.pieces.interrupted
	}
	o.mu.Unlock()
	if interrupted != nil {
		<-interrupted
	}
	return unsent
}

// takePiecesLocked adds pieces of the large messages to the write that begins.
func (o *Output) takePiecesLocked() {
	if o.pieces == nil {
		o.pieces = new(pieceWrite)
	}
	for i := range piecesPerWrite {
		if len(o.large) == 0 {
			return
		}
		m := o.large[0]
		var p piece
		o.bufs, p = m.next(o.bufs, o.pieces.heads[i][:])
		o.pieces.all = append(o.pieces.all, p)
		if m.left == 0 || m.burst >= largeQuantum {
			o.large = slices.Delete(o.large, 0, 1)
		}
		if m.left > 0 && m.burst >= largeQuantum {
			m.burst = 0
			o.large = slices.Insert(o.large, min(len(o.large), largeAtOnce-1), m)
		}
	}
}

// next appends the next piece to bufs: its header, for which there is room, with the prefix in the first, and its
// bytes.
func (m *LargeMessage) next(bufs net.Buffers, room []byte) (net.Buffers, piece) {
	h := frame.Header{Type: frame.TypeMore, ID: m.first.ID}
	n := min(frame.MaxBody, m.left)
	var prefix []byte
	if !m.begun {
		h, prefix, m.begun = m.first, m.prefix, true
		n = min(firstPiece, frame.MaxBody-len(prefix), m.left)
	}
	h.Length = len(prefix) + n
	h.Put(room)
	head := append(room[:frame.HeaderSize:frame.HeaderSize], prefix...)
	m.left -= n
	m.burst += n
	m.writing = true
	return m.take(append(bufs, head), n), piece{m, len(head), n}
}

// AppendTo appends all frames of a message that no Output has to b.
func (m *LargeMessage) AppendTo(b []byte) []byte {
	var room [frame.HeaderSize]byte
	for !m.begun || m.left > 0 {
		bufs, _ := m.next(nil, room[:])
		for _, part := range bufs {
			b = append(b, part...)
		}
	}
	return b
}

// take appends the next n bytes of the message to bufs.
func (m *LargeMessage) take(bufs net.Buffers, n int) net.Buffers {
	for n > 0 {
		part := m.message[0][:min(n, len(m.message[0]))]
		bufs = append(bufs, part)
		n -= len(part)
		if m.message[0] = m.message[0][len(part):]; len(m.message[0]) == 0 {
			m.message = m.message[1:]
		}
	}
	return bufs
}

// wrotePiecesLocked counts n bytes more of the pieces of the write that is under way, headers included.
func (o *Output) wrotePiecesLocked(n int) {
	for i := range o.pieces.all {
		p := &o.pieces.all[i]
		head := min(n, p.head)
		p.head -= head
		n -= head
		body := min(n, p.n)
		p.n -= body
		p.of.unsent -= body
		o.unsentLarge -= body
		n -= body
	}
}

// stopReadingLocked notes that the write under way does not read its messages any more, and wakes those that withdrew
// one.
func (o *Output) stopReadingLocked() {
	for _, p := range o.pieces.all {
		p.of.writing = false
	}
	if o.pieces.interrupted != nil {
		close(o.pieces.interrupted)
		o.pieces.interrupted = nil
	}
}

// releasePiecesLocked lets go of the pieces of a write that has ended.
func (o *Output) releasePiecesLocked() {
	if o.pieces == nil {
		return
	}
	if o.pieces.interrupted != nil {
		o.conn.writeBy(time.Time{})
	}
	if len(o.pieces.all) == 0 {
		return
	}
	o.stopReadingLocked()
	clear(o.pieces.all)
	o.pieces.all = o.pieces.all[:0]
}

// Incomplete reports whether the network cannot have taken all of m.
func (o *Output) Incomplete(m *LargeMessage) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	// from a copy, perhaps
	underWay := o.pieces != nil && slices.ContainsFunc(o.pieces.all, func(p piece) bool { return p.of == m })
	return m.left > 0 || m.unsent > 0 && !underWay
}
