// Package frame is the bytes of the mux protocol, as PROTOCOL.md has them: frames and their headers, settings, what
// stands in front of a message, and metadata. It appends and parses, and knows no connection.
package frame

import (
	"encoding/binary"
	"unicode/utf8"
)

// Sizes of PROTOCOL.md, sections 1 and 2.
const (
	Version     = 1
	PrefaceSize = 8
	HeaderSize  = 12
	MaxSize     = 64 << 10 // of a frame
	MaxBody     = MaxSize - HeaderSize
)

// Magic is what a connection of the protocol begins with.
const Magic = "\xd7YDL"

const preface = Magic + "\x01\x00\x00\x00"

// A Type says what a frame is.
type Type uint8

// Frame types, section 2.
const (
	TypeSettings Type = iota + 1
	TypeCall
	TypeResult
	TypeException
	TypeError
	TypeCancel
	TypeMore
	TypePing
	TypePong
	TypeGoAway
	TypeItem
	TypeEnd
	TypeCredit
)

// Flags, section 2. The first four say which parts a [Head] has.
const (
	FlagName       = 0x01
	FlagDeadline   = 0x02
	FlagMetadata   = 0x04
	FlagPieces     = 0x08
	FlagNotStarted = 0x10
	FlagCompressed = 0x20
	FlagStream     = 0x40
	FlagDetails    = 0x80

	FlagRest       = 0x01 // on ITEM
	FlagConnection = 0x01 // on CREDIT
)

// allowedFlags are the flags that each known type may have.
var allowedFlags = [...]uint8{
	TypeCall:      FlagName | FlagDeadline | FlagMetadata | FlagPieces | FlagStream | FlagCompressed,
	TypeResult:    FlagMetadata | FlagPieces | FlagCompressed,
	TypeException: FlagMetadata | FlagPieces | FlagCompressed,
	TypeError:     FlagMetadata | FlagNotStarted | FlagDetails,
	TypeItem:      FlagPieces | FlagRest,
	TypeCredit:    FlagConnection,
}

// A Header is what stands before each frame's body.
type Header struct {
	Length int // of the body
	Type   Type
	Flags  uint8
	Method uint16
	ID     uint32
}

// ParseHeader reads a header from the first 12 bytes of b and checks what can be checked without its body.
func ParseHeader(b []byte) (Header, error) {
	_ = b[HeaderSize-1]
	length := binary.LittleEndian.Uint32(b)
	h := Header{
		Length: int(length),
		Type:   Type(b[4]),
		Flags:  b[5],
		Method: binary.LittleEndian.Uint16(b[6:]),
		ID:     binary.LittleEndian.Uint32(b[8:]),
	}
	if length > MaxBody {
		return h, Faultf("a frame of %d bytes is longer than %d", length, MaxBody)
	}
	if 0 < h.Type && int(h.Type) < len(allowedFlags) && h.Flags&^allowedFlags[h.Type] != 0 {
		return h, Faultf("a frame of type %d has the unknown flags %#02x", h.Type, h.Flags&^allowedFlags[h.Type])
	}
	return h, nil
}

// IsPiece reports whether the body is a piece of a message behind the first, which is read straight to its place.
func (h Header) IsPiece() bool {
	return h.Type == TypeMore || h.Type == TypeItem && h.Flags&FlagRest != 0
}

// Put writes the header to the first 12 bytes of b.
func (h Header) Put(b []byte) {
	_ = b[HeaderSize-1]
	binary.LittleEndian.PutUint32(b, uint32(h.Length))
	b[4], b[5] = byte(h.Type), h.Flags
	binary.LittleEndian.PutUint16(b[6:], h.Method)
	binary.LittleEndian.PutUint32(b[8:], h.ID)
}

// Append appends a whole frame to b.
func Append(b []byte, h Header, body []byte) []byte {
	h.Length = len(body)
	n := len(b)
	b = append(b, make([]byte, HeaderSize)...)
	h.Put(b[n:])
	return append(b, body...)
}

// AppendGoAway appends a GOAWAY, section 6.
func AppendGoAway(b []byte, code byte, text string) []byte {
	return Append(b, Header{Type: TypeGoAway}, append([]byte{code}, CutText(text, maxGoAwayText)...))
}

// maxGoAwayText bounds the text of GOAWAY, in bytes.
const maxGoAwayText = 1 << 10

// CutText cuts s to at most n bytes, at a character.
func CutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
