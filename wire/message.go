package wire

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

// Marshal returns m in protobuf wire format.
func Marshal(m Message) ([]byte, error) { return Append(nil, m) }

// Append appends m in protobuf wire format to b.
func Append(b []byte, m Message) ([]byte, error) {
	var e Encoder
	e.Reset(b)
	m.EncodeWire(&e)
	return e.Bytes()
}

// Unmarshal resets m and reads it from data, which it does not keep: strings and bytes are copied, all of them into
// one allocation.
func Unmarshal(data []byte, m Message) error {
	var d Decoder
	d.Reset(data)
	m.Reset()
	m.DecodeWire(&d)
	return d.Err()
}
