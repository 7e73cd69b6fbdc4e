package frame

import (
	"bytes"
	"testing"
)

// FuzzStreamFrames reads the frames of streams: no bytes make it panic, what it accepts holds together, and a credit
// that was read is written as it was.
func FuzzStreamFrames(f *testing.F) {
	f.Add(byte(TypeItem), byte(0), []byte("\x08\x02"))
	f.Add(byte(TypeItem), byte(FlagPieces), []byte("\x03\x00\x00\x00\x08"))
	f.Add(byte(TypeItem), byte(FlagPieces), []byte("\x00\x00\x00\x00"))
	f.Add(byte(TypeItem), byte(FlagPieces), []byte("\xff\xff\xff\xffx"))
	f.Add(byte(TypeItem), byte(FlagRest), []byte("\xac\x02"))
	f.Add(byte(TypeCredit), byte(FlagConnection), []byte("\x54\x00\x00\x01\x00\x00\x00\x00"))
	f.Add(byte(TypeCredit), byte(0), []byte("\x54"))
	f.Fuzz(func(t *testing.T, kind, flags byte, body []byte) {
		if len(body) > MaxBody {
			return
		}
		whole := Append(nil, Header{Type: Type(kind), Flags: flags, ID: 7}, body)
		h, err := ParseHeader(whole)
		if err != nil {
			return
		}
		switch {
		case h.Type == TypeItem && !h.IsPiece():
			message, total, err := ParseItem(h.Flags, body)
			if err != nil {
				return
			}
			if len(message) > total || h.Flags == 0 && total != len(body) || h.Flags != 0 && len(message) == 0 {
				t.Errorf("a message of %d bytes, of %d, in a body of %d", len(message), total, len(body))
			}
			if ItemCost(h.Flags, h.Length) < len(message)+HeaderSize {
				t.Error("an item that costs less than it holds")
			}
		case h.Type == TypeCredit:
			offset, err := ParseCredit(body)
			if err == nil && !bytes.Equal(AppendCredit(nil, h.Flags, h.ID, offset), whole) {
				t.Errorf("a credit of %d is written in another way", offset)
			}
		}
	})
}
