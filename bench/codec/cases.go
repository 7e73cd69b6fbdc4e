// Package codec compares how fast messages become bytes and bytes become messages: what this repository generates,
// google.golang.org/protobuf, and vtprotobuf, on the same messages.
//
// Marshalling goes into a buffer that is used again, as a connection does it; unmarshalling makes a new message, or
// goes into one that is used again, as calls of Yodel do it. The blob
// comes twice: once copied by all, and once "in place", where Yodel neither copies it into the buffer nor out of it, as
// the mux protocol does with content that is large. The others have no such way.
package codec

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/yodelrpc/yodel/bench/codec/messages"
	"github.com/yodelrpc/yodel/bench/codec/pb"
	"github.com/yodelrpc/yodel/wire"
)

// A Case is one message in one codec.
type Case struct {
	Message string // "person"
	Codec   string // "yodel", "protobuf", "vtprotobuf"
	Size    int    // of the message's encoding, in bytes

	Marshal   func() (size int, err error)
	Unmarshal func() error // into a new message
	Again     func() error // into the message that the last run read
}

// MarshalOnce is Marshal for those who do not want the size.
func (c Case) MarshalOnce() error {
	_, err := c.Marshal()
	return err
}

// Cases lists all cases, message by message.
func Cases() []Case {
	var all []Case
	all = append(all, cases[messages.Pair]("pair", pair())...)
	all = append(all, cases[messages.Scalars]("scalars", scalars())...)
	all = append(all, cases[messages.Person]("person", person(1))...)
	all = append(all, cases[messages.Catalog]("catalog", catalog())...)
	all = append(all, cases[messages.Blob]("blob", blob())...)
	all = append(all, inPlace(cases[messages.Blob]("blob in place", blob()))...)
	return all
}

// inPlace makes Yodel's case of the blob's one that copies nothing.
func inPlace(all []Case) []Case {
	m := messages.Blob{Payload: blob().Payload}
	encoded, err := wire.Marshal(&m)
	if err != nil {
		panic(err)
	}
	all[0].Marshal = marshalInPlace(&m)
	all[0].Unmarshal = unmarshalInPlace(encoded, func() *messages.Blob { return new(messages.Blob) })
	all[0].Again = unmarshalInPlace(encoded, func() *messages.Blob { return &m })
	return all
}

// A message is what both generators of protocol buffers made of a message type.
type message[T any] interface {
	*T
	proto.Message
	Reset()
	SizeVT() int
	MarshalToSizedBufferVT(b []byte) (int, error)
	UnmarshalVT(b []byte) error
}

// An own message is what Yodel's generator made of the same message type.
type own[T any] interface {
	*T
	wire.Message
}

func cases[Y, T any, O own[Y], M message[T]](name string, m M) []Case {
	encoded, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("%s cannot be encoded: %v", name, err))
	}
	o := O(new(Y))
	if err := wire.Unmarshal(encoded, o); err != nil {
		panic(fmt.Sprintf("%s cannot be decoded: %v", name, err))
	}
	again := M(new(T))
	return []Case{
		{
			Message:   name,
			Codec:     subject,
			Size:      len(encoded),
			Marshal:   marshalOwn(o),
			Unmarshal: unmarshalOwn[Y, O](encoded),
			Again:     unmarshalAgain(encoded, o),
		},
		{
			Message:   name,
			Codec:     "protobuf",
			Size:      len(encoded),
			Marshal:   marshalProtobuf(m),
			Unmarshal: func() error { return proto.Unmarshal(encoded, M(new(T))) },
			Again:     func() error { return proto.Unmarshal(encoded, again) },
		},
		{
			Message:   name,
			Codec:     "vtprotobuf",
			Size:      len(encoded),
			Marshal:   marshalVT[T](m),
			Unmarshal: func() error { return M(new(T)).UnmarshalVT(encoded) },
			Again: func() error {
				again.Reset()
				return again.UnmarshalVT(encoded)
			},
		},
	}
}

// marshalOwn keeps its encoder, as a connection does.
func marshalOwn(m wire.Message) func() (int, error) {
	var encoder wire.Encoder
	var buffer []byte
	return func() (_ int, err error) {
		encoder.Reset(buffer[:0])
		m.EncodeWire(&encoder)
		buffer, err = encoder.Bytes()
		return len(buffer), err
	}
}

// marshalInPlace makes the list of segments that one call writes to the network.
func marshalInPlace(m wire.Message) func() (int, error) {
	const large = 32 << 10
	var encoder wire.Encoder
	var buffer []byte
	return func() (size int, err error) {
		encoder.ResetSharing(buffer[:0], large)
		m.EncodeWire(&encoder)
		buffer, err = encoder.Bytes()
		for _, segment := range encoder.Segments() {
			size += len(segment)
		}
		return size, err
	}
}

// unmarshalOwn keeps its decoder, as a connection does.
func unmarshalOwn[Y any, O own[Y]](encoded []byte) func() error {
	var decoder wire.Decoder
	return func() error {
		m := O(new(Y))
		decoder.Reset(encoded)
		m.Reset()
		m.DecodeWire(&decoder)
		return decoder.Err()
	}
}

func unmarshalAgain(encoded []byte, m wire.Message) func() error {
	var decoder wire.Decoder
	return func() error {
		decoder.Reset(encoded)
		m.Reset()
		m.DecodeWire(&decoder)
		return decoder.Err()
	}
}

// unmarshalInPlace gives the bytes away each time, which the message then shares.
func unmarshalInPlace(encoded []byte, message func() *messages.Blob) func() error {
	var decoder wire.Decoder
	return func() error {
		m := message()
		decoder.ResetOwned(encoded)
		m.Reset()
		m.DecodeWire(&decoder)
		return decoder.Err()
	}
}

func marshalProtobuf(m proto.Message) func() (int, error) {
	var buffer []byte
	return func() (_ int, err error) {
		buffer, err = proto.MarshalOptions{}.MarshalAppend(buffer[:0], m)
		return len(buffer), err
	}
}

func marshalVT[T any, M message[T]](m M) func() (int, error) {
	var buffer []byte
	return func() (int, error) {
		size := m.SizeVT()
		if cap(buffer) < size {
			buffer = make([]byte, size)
		}
		return m.MarshalToSizedBufferVT(buffer[:size])
	}
}

func pair() *pb.Pair { return &pb.Pair{Num1: 200, Num2: 100} }

func scalars() *pb.Scalars {
	return &pb.Scalars{
		Flag:  true,
		Count: 1234,
		Total: 9_876_543_210,
		Size:  77,
		Hash:  0x9e3779b97f4a7c15,
		Ratio: 0.75,
		Score: 1234.5678,
		Name:  "a name of some length",
		Token: []byte("0123456789abcdef"),
		Delta: -17,
	}
}

func person(id int64) *pb.Person {
	return &pb.Person{
		Id:    id,
		Name:  "Wilhelmina van den Berg",
		Email: "wilhelmina.vandenberg@example.com",
		Home: &pb.Address{
			Street:   "Lange Voorhout",
			City:     "The Hague",
			Country:  "Netherlands",
			Number:   74,
			Location: &pb.Point{X: 52.0833, Y: 4.3136, Label: "entrance"},
		},
		Work: &pb.Address{
			Street:   "Korte Vijverberg",
			City:     "The Hague",
			Country:  "Netherlands",
			Number:   8,
			Location: &pb.Point{X: 52.0803, Y: 4.3142, Label: "reception"},
		},
	}
}

func catalog() *pb.Catalog {
	c := &pb.Catalog{Title: "Visitors of the year", Counts: map[string]int64{}}
	for i := range 20 {
		c.People = append(c.People, person(int64(i)))
		c.Tags = append(c.Tags, fmt.Sprintf("tag number %d", i))
		c.Counts[fmt.Sprintf("visits in week %d", i)] = int64(i * 1000)
	}
	for i := range 96 {
		c.Numbers = append(c.Numbers, int32(i*i))
		c.Samples = append(c.Samples, float64(i)/3)
	}
	return c
}

func blob() *pb.Blob { return &pb.Blob{Payload: make([]byte, 1<<20)} }
