package wire

import (
	"errors"
	"sync"
)

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

// Marshal returns m in protobuf wire format.
func Marshal(m Message) ([]byte, error) { return Append(nil, m) }

// encoders and decoders are not in use. A connection has its own, which saves the way to the pool.
var (
	encoders = sync.Pool{New: func() any { return new(Encoder) }}
	decoders = sync.Pool{New: func() any { return new(Decoder) }}
)

// Append appends m in protobuf wire format to b.
func Append(b []byte, m Message) ([]byte, error) {
	e := encoders.Get().(*Encoder)
	e.Reset(b)
	m.EncodeWire(e)
	b, err := e.Bytes()
	e.Reset(nil)
	encoders.Put(e)
	if err != nil {
		return b, Explain(m, err)
	}
	return b, nil
}

// Explain returns the error for m, which an [Encoder] failed to write with err: it names the place of the value that
// cannot be written, where an encoder knows no more than a number. All protocols refuse the same values.
func Explain(m Message, err error) (explained error) {
	defer func() {
		if recover() != nil { // m has a method of its own that panics, or was not generated
			explained = err
		}
	}()
	if _, ok := m.(*JSONText); ok {
		return err
	}
	var found *JSONError
	if _, jsonErr := AppendJSON(nil, m); errors.As(jsonErr, &found) && found.Problem != errTooDeep().Problem {
		return found
	}
	return err
}

// Unmarshal resets m and reads it from data, which it does not keep: see [Decoder.Reset].
func Unmarshal(data []byte, m Message) error {
	d := decoders.Get().(*Decoder)
	d.Reset(data)
	m.Reset()
	m.DecodeWire(d)
	err := d.Err()
	d.Reset(nil)
	decoders.Put(d)
	return err
}
