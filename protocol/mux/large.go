package mux

import "slices"

// A largeMessage is a message on its way in pieces. Its bytes are the output's from append to the end.
type largeMessage struct {
	first   header // of the first piece; its body begins with prefix
	prefix  []byte
	message []byte
	taken   int  // bytes of message that writes have begun with
	written int  // bytes of message that the network took
	begun   bool // the first piece has been taken
}

// A piece is one frame of a large message within one write.
type piece struct {
	of   *largeMessage
	head int
	n    int
}

// appendLarge adds a message that does not fit into one frame. prefix is what stands before the message in its first
// frame's body: optional parts and the total length.
func (o *output) appendLarge(m *largeMessage) error {
	o.mu.Lock()
	if o.err != nil {
		o.mu.Unlock()
		return o.err
	}
	o.large = append(o.large, m)
	o.backlog += len(m.message)
	if o.writing {
		o.mu.Unlock()
		return nil
	}
	o.writing = true
	o.mu.Unlock()
	o.write()
	return nil
}

// withdraw takes the rest of a large message back. It reports whether nothing of it will ever be sent.
func (o *output) withdraw(m *largeMessage) (unsent bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.Index(o.large, m); i >= 0 {
		o.large = slices.Delete(o.large, i, i+1)
		o.backlog -= len(m.message) - m.taken
	}
	return !m.begun
}

// writeLarge writes what waits: small frames first, then pieces of the large messages in turn.
func (o *output) writeLarge() {
	o.mu.Lock()
	small := o.buf
	o.buf, o.spare = o.spare[:0], small
	o.pongs = 0
	bufs := append(o.bufs[:0], small)
	pieces := o.pieces[:0]
	for i := range piecesPerWrite {
		if len(o.large) == 0 {
			break
		}
		m := o.large[0]
		head, body := m.next(o.heads[i][:])
		bufs = append(bufs, head, body)
		pieces = append(pieces, piece{m, len(head), len(body)})
		o.backlog -= len(body)
		o.large = slices.Delete(o.large, 0, 1)
		if m.taken < len(m.message) {
			o.large = append(o.large, m)
		}
	}
	o.mu.Unlock()
	o.bufs, o.pieces = bufs, pieces
	o.writeAll(bufs, pieces)
	clear(bufs)
	clear(pieces)
}

// next takes the next piece: its header, for which there is room, with the prefix in the first, and its bytes.
func (m *largeMessage) next(room []byte) (head, body []byte) {
	h := header{kind: frameMore, id: m.first.id}
	var prefix []byte
	if !m.begun {
		h, prefix, m.begun = m.first, m.prefix, true
	}
	n := min(maxBody-len(prefix), len(m.message)-m.taken)
	body = m.message[m.taken : m.taken+n]
	m.taken += n
	h.length = len(prefix) + n
	h.put(room)
	return append(room[:headerSize:headerSize], prefix...), body
}

// wrotePiecesLocked counts what the network took of pieces, n bytes in all with their headers.
func wrotePiecesLocked(pieces []piece, n int) {
	for _, p := range pieces {
		if n < p.head {
			return
		}
		took := min(p.n, n-p.head)
		p.of.written += took
		n -= p.head + took
	}
}

// incomplete reports whether the network has not taken all of m.
func (o *output) incomplete(m *largeMessage) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return m.written < len(m.message)
}
