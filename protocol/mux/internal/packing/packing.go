// Package packing is what a connection of mux compresses messages with (PROTOCOL.md, section 9): the codecs that both
// sides have, and for each method and direction whether to use one. It knows frames and messages, and no calls.
package packing

import (
	"encoding/binary"
	"math"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/wire"
)

// A Conn is the codecs of one connection. Any number of goroutines may use it at once, but for Wrote. A nil one has
// none in common with its peer.
type Conn struct {
	codecs  []compress.Codec // that both sides have, in this side's order
	numbers []byte           // of the same, in the peer's list
	own     []compress.Codec // this side's list, which numbers what comes
	shared  []bool           // which of own the peer has, too
	floor   int              // of the codec that has the lowest
	policy  compress.Policy
	local   bool // the peer is on this machine, where nothing pays
	stats   *compress.Stats

	meter     compress.Meter // of the goroutine that writes
	load      load           // of the same
	bandwidth atomic.Uint64  // as float64; set by the goroutine that writes
	busy      atomic.Uint64  // as float64; set by the same
}

// Names returns what a side with the codecs of o says of them in its settings.
func Names(o *compress.Options) string {
	var names []string
	for _, c := range o.Codecs {
		names = append(names, c.Name)
	}
	return strings.Join(names, ",")
}

// New returns what a connection over nc compresses with whose peer has the codecs of the given names; nil where there
// are none in common.
func New(o *compress.Options, names string, nc net.Conn) *Conn {
	if names == "" || len(o.Codecs) == 0 {
		return nil
	}
	peers := strings.Split(names, ",")
	c := &Conn{
		own: o.Codecs, shared: make([]bool, len(o.Codecs)), floor: math.MaxInt, policy: o.Policy, stats: o.Stats,
		local: isLocal(nc.RemoteAddr()),
	}
	for i, codec := range o.Codecs {
		for number, name := range peers[:min(len(peers), compress.MaxCodecs)] {
			if name == codec.Name && !c.shared[i] {
				c.codecs = append(c.codecs, codec)
				c.numbers = append(c.numbers, byte(number))
				c.shared[i] = true
				c.floor = min(c.floor, codec.Floor)
			}
		}
	}
	if len(c.codecs) == 0 {
		return nil
	}
	return c
}

// Local reports whether the peer is on this machine, where nothing pays.
func (c *Conn) Local() bool { return c.local }

// isLocal reports whether an address is of this machine: a unix socket or the loopback network.
func isLocal(a net.Addr) bool {
	switch a := a.(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	}
	return false
}

// Wrote is what an Output calls when the network has taken n bytes in the time took, while others waited.
func (c *Conn) Wrote(n int, took time.Duration) {
	c.meter.Wrote(n, took)
	c.bandwidth.Store(math.Float64bits(c.meter.Bandwidth()))
	c.busy.Store(math.Float64bits(c.load.now()))
}

func (c *Conn) link() compress.Link {
	return compress.Link{
		Bandwidth: math.Float64frombits(c.bandwidth.Load()), Load: math.Float64frombits(c.busy.Load()),
	}
}

// A Method is what one method's messages in one direction are compressed with. A nil one is of a connection whose sides
// have no codec in common.
type Method struct {
	conn    *Conn
	stats   *compress.Counter
	weigher *compress.Weigher
}

// Method returns what the messages of the method with the given full name are compressed with; nil for a nil Conn.
func (c *Conn) Method(name string, requests bool) *Method {
	if c == nil {
		return nil
	}
	stats := c.stats.Method(name, requests)
	return &Method{c, stats, compress.NewWeigher(c.codecs, stats)}
}

// MayPack reports whether a message of n bytes is to be given to Pack.
func (m *Method) MayPack(n int) bool { return m != nil && n >= m.conn.floor }

// Policy returns the connection's policy.
func (m *Method) Policy() compress.Policy { return m.conn.policy }

// HeaderSize is what stands in front of a compressed message: u8 number of the codec, u32 bytes that it will have.
const HeaderSize = 5

// Pack compresses a message where p says so: what enc has behind start. It returns the flag for its frame, and leaves
// in enc what is to be sent in place of all that enc had.
func (m *Method) Pack(enc *wire.Encoder, start int, p compress.Policy) (flag uint8) {
	size := enc.Size() - start
	i := m.choose(size, p)
	if i < 0 {
		return 0
	}
	scratch := scratches.Get().(*scratch)
	defer scratch.release()
	message := scratch.gather(enc, start)
	began := time.Now()
	scratch.packed = m.conn.codecs[i].Compress(scratch.packed[:0], message)
	took := time.Since(began)
	n := len(scratch.packed) + HeaderSize
	if !m.tried(i, size, n, took, p) {
		return 0
	}
	b, _ := enc.Bytes()
	if b = b[:start]; enc.Shares() || cap(b)-start < n {
		b = append(make([]byte, 0, start+n), b...)
	}
	b = append(b, m.conn.numbers[i])
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	enc.Reset(append(b, scratch.packed...))
	return frame.FlagCompressed
}

// choose returns the codec for a message of size bytes, -1 for none.
func (m *Method) choose(size int, p compress.Policy) int {
	switch {
	case p == compress.Always && size >= m.conn.codecs[0].Floor:
		return 0
	case p == compress.Auto && !m.conn.local:
		return m.weigher.Choose(size, m.conn.link())
	}
	m.stats.CountUnwanted()
	return -1
}

// tried counts what the codec has done, and reports whether that is to be sent.
func (m *Method) tried(codec, size, packed int, took time.Duration, p compress.Policy) bool {
	if p == compress.Auto {
		return m.weigher.Tried(codec, size, packed, took, m.conn.link())
	}
	send := compress.SavesEnough(size, packed)
	m.stats.CountTried(size, packed, took, send)
	return send
}

// A scratch is the memory that compressing takes.
type scratch struct{ message, packed []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// keptScratch bounds the memory that is kept for the next message.
const keptScratch = 1 << 20

func (s *scratch) release() {
	if cap(s.message)+cap(s.packed) <= keptScratch {
		scratches.Put(s)
	}
}

// gather returns what enc has behind start, in one piece.
func (s *scratch) gather(enc *wire.Encoder, start int) []byte {
	if !enc.Shares() {
		b, _ := enc.Bytes()
		return b[start:]
	}
	s.message = s.message[:0]
	for i, part := range enc.Segments() {
		if i == 0 {
			part = part[start:]
		}
		s.message = append(s.message, part...)
	}
	return s.message
}

// Check returns the fault of a message that comes with COMPRESSED, by its first piece; nil where its codec was agreed
// on.
func (c *Conn) Check(first []byte) error {
	switch {
	case c == nil:
		return frame.Faultf("a compressed message, where the two sides have no codec in common")
	case len(first) == 0:
		return frame.Faultf("a compressed message without a codec's number")
	case int(first[0]) >= len(c.own):
		return frame.Faultf("a message compressed by codec number %d, where this side has %d", first[0], len(c.own))
	case !c.shared[first[0]]:
		return frame.Faultf("a message compressed by %s, which the peer's settings do not name", c.own[first[0]].Name)
	}
	return nil
}

// Unpack returns the message that a compressed one, which Check has let pass, was made from. If that would have more
// than limit bytes, over is how many it says, and message is nil.
func (c *Conn) Unpack(packed []byte, limit int) (message []byte, over int, err error) {
	codec := c.own[packed[0]]
	if len(packed) < HeaderSize {
		return nil, 0, compress.Corrupt(codec.Name, errShort)
	}
	size := binary.LittleEndian.Uint32(packed[1:])
	if uint64(size) > uint64(limit) {
		return nil, int(min(uint64(size), math.MaxInt)), nil
	}
	message, err = codec.Decompress(nil, packed[HeaderSize:], int(size))
	if err == nil && len(message) != int(size) {
		err = compress.Corrupt(codec.Name, errLength)
	}
	if err != nil {
		return nil, 0, err
	}
	return message, 0, nil
}
