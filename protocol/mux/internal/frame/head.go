package frame

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A Head is what stands in front of the message in the body of a CALL, RESULT, EXCEPTION or ERROR: the parts that the
// frame's flags name, in the order of their bits (section 2). [Head.Append] is the only place that writes it, but for
// the total, which [Head.Parse] reads and [AppendTotal] writes alone where a message turns out to need pieces.
type Head struct {
	Flags    uint8        // which parts there are; no others than headFlags
	Name     []byte       // with FlagName: the method's full name, of at least a byte
	Left     uint64       // with FlagDeadline: microseconds until the deadline
	Metadata rpc.Metadata // with FlagMetadata: not nil
	Total    int          // with FlagPieces: bytes of the message in all pieces
}

const headFlags = FlagName | FlagDeadline | FlagMetadata | FlagPieces

// Append appends the parts to b. What is in them has been checked (the name's length, [CheckMetadata]).
func (h *Head) Append(b []byte) []byte {
	if h.Flags&FlagName != 0 {
		b = binary.LittleEndian.AppendUint16(b, uint16(len(h.Name)))
		b = append(b, h.Name...)
	}
	if h.Flags&FlagDeadline != 0 {
		b = binary.LittleEndian.AppendUint64(b, h.Left)
	}
	if h.Flags&FlagMetadata != 0 {
		b = appendMetadata(b, h.Metadata)
	}
	if h.Flags&FlagPieces != 0 {
		b = AppendTotal(b, h.Total)
	}
	return b
}

// AppendTotal appends a message's length, the last part of a head with FlagPieces. Whether a message needs pieces is
// known when it is encoded, behind a head without it.
func AppendTotal(b []byte, total int) []byte {
	return binary.LittleEndian.AppendUint32(b, uint32(total))
}

// Parse fills h, which is zero, from a frame's flags and body, and returns the rest, the message or its first piece.
// The name is a part of body. A name or metadata over a limit is a fault; what the total may be is for the caller to
// say. A head that was parsed is appended as the bytes that it was parsed from, but for the order of metadata (by key
// there), and for a total over what int holds.
func (h *Head) Parse(flags uint8, body []byte, limits *Settings) (message []byte, err error) {
	if h.Flags = flags & headFlags; h.Flags == 0 {
		return body, nil
	}
	if flags&FlagName != 0 {
		if h.Name, err = cutName(&body, limits.Name); err != nil {
			return nil, err
		}
	}
	if flags&FlagDeadline != 0 {
		if h.Left, err = cut64(&body, "a deadline"); err != nil {
			return nil, err
		}
	}
	if flags&FlagMetadata != 0 {
		if h.Metadata, err = cutMetadata(&body, limits.Metadata); err != nil {
			return nil, err
		}
	}
	if flags&FlagPieces != 0 {
		if h.Total, err = cut32(&body, "a total length"); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func cutName(body *[]byte, limit int) ([]byte, error) {
	n, err := cut16(body, "a name length")
	if err != nil {
		return nil, err
	}
	if n > limit || n == 0 {
		return nil, Faultf("a method's name of %d bytes, where 1 to %d are allowed", n, limit)
	}
	return cut(body, n, "a method's name")
}

// SetDeadline adds the time left until t: a microsecond at least, for none would be a call that is late.
func (h *Head) SetDeadline(t time.Time) {
	h.Flags |= FlagDeadline
	h.Left = uint64(max(1, time.Until(t).Microseconds()))
}

// Deadline returns when the deadline is, zero where there is none. One that a time.Duration cannot hold is as far away
// as one can.
func (h *Head) Deadline() time.Time {
	if h.Flags&FlagDeadline == 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(min(h.Left, maxLeft)) * time.Microsecond)
}

// maxLeft is the most microseconds that a time.Duration holds.
const maxLeft = math.MaxInt64 / uint64(time.Microsecond)

// Late reports whether the deadline had passed when the frame was sent.
func (h *Head) Late() bool { return h.Flags&FlagDeadline != 0 && h.Left == 0 }

// SetMetadata adds metadata, if md is not nil.
func (h *Head) SetMetadata(md rpc.Metadata) {
	if md != nil {
		h.Flags |= FlagMetadata
		h.Metadata = md
	}
}
