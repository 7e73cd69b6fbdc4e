package mux

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// Sizes of PROTOCOL.md, sections 1 and 2.
const (
	version     = 1
	prefaceSize = 8
	headerSize  = 12
	maxFrame    = 64 << 10
	maxBody     = maxFrame - headerSize
)

// Magic is what a connection of the protocol begins with.
const Magic = "\xd7YDL"

// ALPN is the name by which TLS agrees on the protocol.
const ALPN = "yodel-mux/1"

const preface = Magic + "\x01\x00\x00\x00"

type frameType uint8

// Frame types, section 2.
const (
	frameSettings frameType = iota + 1
	frameCall
	frameResult
	frameException
	frameError
	frameCancel
	frameMore
	framePing
	framePong
	frameGoAway
)

// Flags, section 2.
const (
	flagName       = 0x01
	flagDeadline   = 0x02
	flagMetadata   = 0x04
	flagPieces     = 0x08
	flagNotStarted = 0x10
)

// allowedFlags are the flags that each known type may have.
var allowedFlags = [...]uint8{
	frameCall:      flagName | flagDeadline | flagMetadata | flagPieces,
	frameResult:    flagMetadata | flagPieces,
	frameException: flagMetadata | flagPieces,
	frameError:     flagMetadata | flagNotStarted,
	frameGoAway:    0,
}

// A header is what stands before each frame's body.
type header struct {
	length int
	kind   frameType
	flags  uint8
	method uint16
	id     uint32
}

// parseHeader reads a header from the first 12 bytes of b and checks what can be checked without its body.
func parseHeader(b []byte) (header, error) {
	_ = b[headerSize-1]
	length := binary.LittleEndian.Uint32(b)
	h := header{
		length: int(length),
		kind:   frameType(b[4]),
		flags:  b[5],
		method: binary.LittleEndian.Uint16(b[6:]),
		id:     binary.LittleEndian.Uint32(b[8:]),
	}
	if length > maxBody {
		return h, violation("a frame of %d bytes is longer than %d", length, maxBody)
	}
	if 0 < h.kind && int(h.kind) < len(allowedFlags) && h.flags&^allowedFlags[h.kind] != 0 {
		return h, violation("a frame of type %d has the unknown flags %#02x", h.kind, h.flags&^allowedFlags[h.kind])
	}
	return h, nil
}

// put writes the header to the first 12 bytes of b.
func (h header) put(b []byte) {
	_ = b[headerSize-1]
	binary.LittleEndian.PutUint32(b, uint32(h.length))
	b[4], b[5] = byte(h.kind), h.flags
	binary.LittleEndian.PutUint16(b[6:], h.method)
	binary.LittleEndian.PutUint32(b[8:], h.id)
}

// appendFrame appends a whole frame to b.
func appendFrame(b []byte, h header, body []byte) []byte {
	h.length = len(body)
	n := len(b)
	b = append(b, make([]byte, headerSize)...)
	h.put(b[n:])
	return append(b, body...)
}

// maxGoAwayText bounds the text of GOAWAY, in bytes.
const maxGoAwayText = 1 << 10

// cutText cuts s to at most n bytes, at a character.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// A violationError is a fault in what a peer sent. It ends the connection.
type violationError struct{ text string }

func (e *violationError) Error() string { return "the peer broke the mux protocol: " + e.text }

func violation(format string, args ...any) error {
	return &violationError{fmt.Sprintf(format, args...)}
}

// cut takes n bytes from the front of body.
func cut(body *[]byte, n int, what string) ([]byte, error) {
	if n < 0 || n > len(*body) {
		return nil, violation("%s of %d bytes is past the end of its frame (%d bytes left)", what, n, len(*body))
	}
	b := (*body)[:n:n]
	*body = (*body)[n:]
	return b, nil
}

func cut16(body *[]byte, what string) (int, error) {
	b, err := cut(body, 2, what)
	if err != nil {
		return 0, err
	}
	return int(binary.LittleEndian.Uint16(b)), nil
}

// cut32 takes a length, where int has 32 bits the longest that int holds, which is over any limit too.
func cut32(body *[]byte, what string) (int, error) {
	b, err := cut(body, 4, what)
	if err != nil {
		return 0, err
	}
	return int(min(uint64(binary.LittleEndian.Uint32(b)), math.MaxInt)), nil
}

func cut64(body *[]byte, what string) (uint64, error) {
	b, err := cut(body, 8, what)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}
