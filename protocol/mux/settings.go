package mux

import (
	"encoding/binary"
	"math"

	"github.com/yodelrpc/yodel/rpc"
)

// Keys and maxima of settings, section 3.
const (
	settingMessage  = 1
	settingCalls    = 2
	settingMetadata = 3
	settingName     = 4
	settingMethods  = 5

	maxCalls    = 1 << 16
	maxMethods  = 1 << 16
	maxMetadata = 32 << 10
	maxName     = 16 << 10 // so that what stands before a message always fits into its first frame
)

// settings are what a side accepts.
type settings struct {
	message, calls, metadata, name, methods int
}

// defaultSettings hold where a peer says nothing.
var defaultSettings = settings{message: 4 << 20, calls: 128, metadata: 8 << 10, name: 256, methods: 4096}

func settingsOf(l rpc.Limits) settings {
	return settings{
		message: min(l.Message, math.MaxInt32), calls: min(l.Calls, maxCalls), metadata: min(l.Metadata, maxMetadata),
		name: min(l.Name, maxName), methods: defaultSettings.methods,
	}
}

// hello returns what a side sends first: its preface and its settings.
func (s settings) hello() []byte {
	var body []byte
	for i, v := range []int{s.message, s.calls, s.metadata, s.name, s.methods} {
		body = binary.LittleEndian.AppendUint16(body, uint16(i+1))
		body = binary.LittleEndian.AppendUint32(body, uint32(v))
	}
	return appendFrame([]byte(preface), header{kind: frameSettings}, body)
}

// parseSettings reads the body of a SETTINGS frame.
func parseSettings(body []byte) (settings, error) {
	s := defaultSettings
	if len(body)%6 != 0 {
		return s, violation("settings of %d bytes are not pairs of 6 bytes", len(body))
	}
	for ; len(body) > 0; body = body[6:] {
		v := int(min(binary.LittleEndian.Uint32(body[2:]), math.MaxInt32)) // where int has 32 bits, too
		switch binary.LittleEndian.Uint16(body) {
		case settingMessage:
			s.message = v
		case settingCalls:
			s.calls = min(v, maxCalls)
		case settingMetadata:
			s.metadata = min(v, maxMetadata)
		case settingName:
			s.name = min(v, maxName)
		case settingMethods:
			s.methods = min(v, maxMethods)
		}
	}
	return s, nil
}
