package web_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Frames of HTTP/2 (RFC 9113, section 6).
const (
	frameData     = 0
	frameHeaders  = 1
	frameReset    = 3
	frameSettings = 4
	framePing     = 6
	frameGoAway   = 7
	frameWindow   = 8

	flagEndStream  = 1
	flagAck        = 1
	flagEndHeaders = 4
)

// An h2peer is a client of HTTP/2 that says exactly what a test wants. Its goroutine reads all frames, and keeps what
// flow control allows it.
type h2peer struct {
	t  *testing.T
	nc net.Conn

	writeMu sync.Mutex

	mu      sync.Mutex
	changed sync.Cond
	window  int         // of the connection
	windows map[int]int // what WINDOW_UPDATE added to those of streams
	status  map[int]string
	ended   map[int]bool
	bytes   map[int]int // of DATA
	goAway  bool
	closed  bool

	closedAt time.Time
}

// newH2peer begins a connection. The server may send window bytes of each answer.
func newH2peer(t *testing.T, nc net.Conn, window int) *h2peer {
	p := &h2peer{t: t, nc: nc, window: 65535, windows: map[int]int{}, status: map[int]string{}, ended: map[int]bool{},
		bytes: map[int]int{}}
	p.changed.L = &p.mu
	go p.read()
	settings := binary.BigEndian.AppendUint16(nil, 4) // SETTINGS_INITIAL_WINDOW_SIZE
	p.write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	p.frame(frameSettings, 0, 0, binary.BigEndian.AppendUint32(settings, uint32(window)))
	return p
}

func (p *h2peer) write(b []byte) {
	p.writeMu.Lock()
	defer p.writeMu.Unlock()
	p.nc.Write(b) // where the server has closed the connection, the test sees it by what does not come
}

func h2frame(kind, flags byte, stream int, payload []byte) []byte {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, uint32(stream)), payload...)
}

func (p *h2peer) frame(kind, flags byte, stream int, payload []byte) {
	p.write(h2frame(kind, flags, stream, payload))
}

// h2headers returns the header of a POST in HPACK: fields of the static table, and literals (RFC 7541, section 6).
func h2headers(length int) []byte {
	b := []byte{0x83, 0x86, 0x84} // :method POST, :scheme http, :path /
	literal := func(index []byte, value string) { b = append(append(append(b, index...), byte(len(value))), value...) }
	literal([]byte{0x01}, "x")                      // :authority
	literal([]byte{0x0f, 0x10}, "application/json") // content-type
	literal([]byte{0x0f, 0x0d}, fmt.Sprint(length)) // content-length
	return b
}

// call sends a request whole.
func (p *h2peer) call(stream int, body string) {
	request := h2frame(frameHeaders, flagEndHeaders, stream, h2headers(len(body)))
	p.write(append(request, h2frame(frameData, flagEndStream, stream, []byte(body))...))
}

func (p *h2peer) read() {
	r := bufio.NewReader(p.nc)
	for {
		var header [9]byte
		if _, err := io.ReadFull(r, header[:]); err != nil {
			break
		}
		payload := make([]byte, int(header[0])<<16|int(header[1])<<8|int(header[2]))
		if _, err := io.ReadFull(r, payload); err != nil {
			break
		}
		p.got(header[3], header[4], int(binary.BigEndian.Uint32(header[5:])), payload)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed, p.closedAt = true, time.Now()
	p.changed.Broadcast()
}

func (p *h2peer) got(kind, flags byte, stream int, payload []byte) {
	if kind == frameSettings && flags&flagAck == 0 {
		go p.frame(frameSettings, flagAck, 0, nil)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch kind {
	case frameHeaders:
		p.status[stream] = h2status(payload)
	case frameData:
		p.bytes[stream] += len(payload)
	case frameReset:
		p.ended[stream] = true
	case frameGoAway:
		p.goAway = true
	case frameWindow:
		n := int(binary.BigEndian.Uint32(payload))
		if stream == 0 {
			p.window += n
		} else {
			p.windows[stream] += n
		}
	}
	if (kind == frameHeaders || kind == frameData) && flags&flagEndStream != 0 {
		p.ended[stream] = true
	}
	p.changed.Broadcast()
}

// h2status returns the :status that a header begins with: of the static table, or a literal of three bytes.
func h2status(header []byte) string {
	static := map[byte]string{0x88: "200", 0x8c: "400", 0x8d: "404", 0x8e: "500"}
	if s, ok := static[header[0]]; ok {
		return s
	}
	return fmt.Sprintf("other: %x", header[:min(6, len(header))])
}

// send sends up to n bytes of a body, as flow control allows within window bytes of the stream, and returns how many.
func (p *h2peer) send(stream, sent, n, window int) int {
	p.mu.Lock()
	n = min(n, p.window, window+p.windows[stream]-sent, 16<<10)
	if n > 0 && !p.ended[stream] {
		p.window -= n
	}
	ended := p.ended[stream]
	p.mu.Unlock()
	if n <= 0 || ended {
		return 0
	}
	p.frame(frameData, 0, stream, make([]byte, n))
	return n
}
