package frame

import (
	"bytes"
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
	settingDetails  = 6
	settingStream   = 7
	settingStreams  = 8
	settingCodecs   = 9

	MaxCalls    = 1 << 16
	MaxMethods  = 1 << 16
	MaxMetadata = 32 << 10
	MaxCodecs   = 512      // bytes of the names of all codecs
	MaxName     = 16 << 10 // so that what stands before a message always fits into its first frame
)

// Settings are what a side accepts.
type Settings struct {
	Message, Calls, Metadata, Name, Methods, Details int

	Stream  int // bytes that a stream may bring before any credit; 0 for a side that speaks no streams
	Streams int // bytes that all streams of the connection may

	Codecs string // names of those that the side has for compression, the first preferred, with commas between
}

// MinStream is the least that Stream is where a side speaks streams.
const MinStream = 32 << 10

// defaultSettings hold where a peer says nothing, and has no room for details.
// and no details
var defaultSettings = Settings{Message: 4 << 20, Calls: 128, Metadata: 8 << 10, Name: 256, Methods: 4096}

// SettingsOf returns what a side accepts that has the limits l.
func SettingsOf(l rpc.Limits) Settings {
	return Settings{
		Message: min(l.Message, math.MaxInt32), Calls: min(l.Calls, MaxCalls), Metadata: min(l.Metadata, MaxMetadata),
		Name: min(l.Name, MaxName), Methods: defaultSettings.Methods, Details: rpc.MaxDetailBytes,
		Stream: FirstWindow(l.Stream), Streams: min(max(l.Streams, MinStream), math.MaxInt32),
	}
}

// FirstWindow returns how many bytes a stream may bring before any credit, of one whose window may grow to most.
func FirstWindow(most int) int { return min(max(most, MinStream), 64<<10) }

// Hello returns what a side sends first: its preface and its settings.
func (s Settings) Hello() []byte {
	var body []byte
	for i, v := range []int{s.Message, s.Calls, s.Metadata, s.Name, s.Methods, s.Details, s.Stream,
		s.Streams} {
		body = binary.LittleEndian.AppendUint16(body, uint16(i+1))
		body = binary.LittleEndian.AppendUint32(body, uint32(v))
	}
	for i := 0; i < len(s.Codecs); i += 4 {
		var part [4]byte
		copy(part[:], s.Codecs[i:])
		body = binary.LittleEndian.AppendUint16(body, settingCodecs)
		body = append(body, part[:]...)
	}
	return Append([]byte(preface), Header{Type: TypeSettings}, body)
}

// ParseSettings reads the body of a SETTINGS frame.
func ParseSettings(body []byte) (Settings, error) {
	s := defaultSettings
	if len(body)%6 != 0 {
		return s, Faultf("settings of %d bytes are not pairs of 6 bytes", len(body))
	}
	for ; len(body) > 0; body = body[6:] {
		v := int(min(binary.LittleEndian.Uint32(body[2:]), math.MaxInt32)) // where int has 32 bits, too
		switch binary.LittleEndian.Uint16(body) {
		case settingCodecs:
			part := bytes.TrimRight(body[2:6], "\x00")
			if len(s.Codecs)+len(part) > MaxCodecs {
				return s, Faultf("names of codecs over %d bytes", MaxCodecs)
			}
			s.Codecs += string(part)
		case settingMessage:
			s.Message = v
		case settingCalls:
			s.Calls = min(v, MaxCalls)
		case settingMetadata:
			s.Metadata = min(v, MaxMetadata)
		case settingName:
			s.Name = min(v, MaxName)
		case settingMethods:
			s.Methods = min(v, MaxMethods)
		case settingDetails:
			s.Details = min(v, rpc.MaxDetailBytes)
		case settingStream:
			s.Stream = v
		case settingStreams:
			s.Streams = v
		}
	}
	if s.Stream > 0 && min(s.Stream, s.Streams) < MinStream {
		return s, Faultf("settings of %d bytes for a stream and %d for all; %d are the least", s.Stream, s.Streams,
			MinStream)
	}
	return s, nil
}
