package frame

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A Fault is what a peer sent that is against the protocol. It ends the connection.
type Fault struct{ Text string }

func (e *Fault) Error() string { return "the peer broke the mux protocol: " + e.Text }

// Faultf returns a [Fault].
func Faultf(format string, args ...any) error {
	return &Fault{fmt.Sprintf(format, args...)}
}

// cut takes n bytes from the front of body.
func cut(body *[]byte, n int, what string) ([]byte, error) {
	if n < 0 || n > len(*body) {
		return nil, Faultf("%s of %d bytes is past the end of its frame (%d bytes left)", what, n, len(*body))
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
