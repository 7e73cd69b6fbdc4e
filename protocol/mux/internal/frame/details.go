package frame

import (
	"encoding/binary"
	"errors"

	"github.com/yodelrpc/yodel/rpc"
)

// AppendDetails appends an ERROR's details, of which there are some, with the length of all.
func AppendDetails(b []byte, details []rpc.Detail) []byte {
	start := len(b)
	b = append(b, 0, 0)
	for _, d := range details {
		format, content := d.Encoded()
		b = binary.LittleEndian.AppendUint16(b, uint16(len(d.Name())))
		b = append(b, d.Name()...)
		b = append(b, byte(format))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(content)))
		b = append(b, content...)
	}
	binary.LittleEndian.PutUint16(b[start:], uint16(len(b)-start-2))
	return b
}

var errDetails = errors.New("the error's details go past their end")

// CutDetails takes an ERROR's details off the front of body. What is wrong with them is the fault of that answer alone.
func CutDetails(body *[]byte) (details []rpc.Detail, err error) {
	section, ok := cutPrefixed(body)
	if !ok {
		return nil, errDetails
	}
	for len(section) > 0 {
		name, ok := cutPrefixed(&section)
		if !ok || len(section) == 0 {
			return nil, errDetails
		}
		format := rpc.DetailFormat(section[0])
		section = section[1:]
		content, ok := cutPrefixed(&section)
		if !ok {
			return nil, errDetails
		}
		if details, err = rpc.AppendDetail(details, string(name), format, content); err != nil {
			return nil, err
		}
	}
	return details, nil
}

// cutPrefixed takes a u16 length and that many bytes off the front of b.
func cutPrefixed(b *[]byte) (content []byte, ok bool) {
	if len(*b) < 2 {
		return nil, false
	}
	n := 2 + int(binary.LittleEndian.Uint16(*b))
	if n > len(*b) {
		return nil, false
	}
	content, *b = (*b)[2:n], (*b)[n:]
	return content, true
}
