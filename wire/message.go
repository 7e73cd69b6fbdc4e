package wire

import "sync"

// A Message is a struct, union or exception of a definition, or the arguments or the result of a method. Generated
// code implements it. A Message is not safe for use by two goroutines at once.
type Message interface {
	// Reset sets every field to its default, else to zero.
	Reset()
	// EncodeWire appends the message's fields to e. Errors stay in e.
	EncodeWire(e *Encoder)
	// DecodeWire reads fields from d up to its end and sets them; fields that are absent keep their values. Errors
	// stay in d.
	DecodeWire(d *Decoder)
}

// message is a pointer to a T that is a Message.
type message[T any] interface {
	*T
	Message
}

// A scratch is what Marshal and Unmarshal need for a while.
type scratch struct {
	Encoder
	Decoder
	room [8 << 10]byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Marshal returns m in protobuf wire format.
func Marshal(m Message) ([]byte, error) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	b, err := s.append(s.room[:0], m)
	if err != nil {
		return nil, err
	}
	if len(b) <= len(s.room) {
		return append([]byte(nil), b...), nil
	}
	return b, nil
}

// Append appends m in protobuf wire format to b.
func Append(b []byte, m Message) ([]byte, error) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	return s.append(b, m)
}

func (s *scratch) append(b []byte, m Message) ([]byte, error) {
	s.Encoder.Reset(b)
	m.EncodeWire(&s.Encoder)
	b, err := s.Encoder.Bytes()
	s.Encoder.Reset(nil)
	return b, err
}

// Unmarshal resets m and reads it from data, which it does not keep: see [Decoder.Reset].
func Unmarshal(data []byte, m Message) error {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	s.Decoder.Reset(data)
	m.Reset()
	m.DecodeWire(&s.Decoder)
	err := s.Decoder.Err()
	s.Decoder.Reset(nil)
	return err
}
