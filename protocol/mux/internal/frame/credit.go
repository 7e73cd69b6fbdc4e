package frame

import "encoding/binary"

// ItemCost returns what an ITEM with a body of n bytes takes of the credit: its header counts, so that messages
// without a byte are bounded too, but not that of a piece behind the first, since the message's length bounds these.
func ItemCost(flags uint8, n int) int {
	if flags&FlagRest != 0 {
		return n
	}
	return HeaderSize + n
}

// AppendCredit appends a CREDIT: that what the stream id brings in all, or with FlagConnection all streams, may be up
// to offset bytes.
func AppendCredit(b []byte, flags uint8, id uint32, offset uint64) []byte {
	var body [8]byte
	binary.LittleEndian.PutUint64(body[:], offset)
	return Append(b, Header{Type: TypeCredit, Flags: flags, ID: id}, body[:])
}

// ParseCredit returns the offset of a CREDIT.
func ParseCredit(body []byte) (offset uint64, err error) {
	if len(body) != 8 {
		return 0, Faultf("a credit of %d bytes, and not 8", len(body))
	}
	return binary.LittleEndian.Uint64(body), nil
}

// ParseItem returns what an ITEM that is no REST has of its message, and the length of the whole.
func ParseItem(flags uint8, body []byte) (message []byte, total int, err error) {
	if flags&FlagPieces == 0 {
		return body, len(body), nil
	}
	if total, err = cut32(&body, "a total length"); err != nil {
		return nil, 0, err
	}
	if len(body) == 0 || len(body) > total {
		return nil, 0, Faultf("a first piece of %d bytes, of a message of %d", len(body), total)
	}
	return body, total, nil
}
