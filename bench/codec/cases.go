// Package codec compares how fast messages become bytes and bytes become messages: what this repository generates,
// google.golang.org/protobuf, and vtprotobuf, on the same messages.
//
// Marshalling goes into a buffer that is used again, as a connection does it; unmarshalling makes a new message.
package codec

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/yodelrpc/yodel/bench/codec/pb"
)

// A Case is one message in one codec.
type Case struct {
	Message string // "person"
	Codec   string // "protobuf", "vtprotobuf"
	Size    int    // of the message's encoding, in bytes

	Marshal   func() error
	Unmarshal func() error
}

// Cases lists all cases, message by message.
func Cases() []Case {
	var all []Case
	all = append(all, cases("pair", pair())...)
	all = append(all, cases("scalars", scalars())...)
	all = append(all, cases("person", person(1))...)
	all = append(all, cases("catalog", catalog())...)
	all = append(all, cases("blob", blob())...)
	return all
}

// A message is what both generators of protocol buffers made of a message type.
type message[T any] interface {
	*T
	proto.Message
	SizeVT() int
	MarshalToSizedBufferVT(b []byte) (int, error)
	UnmarshalVT(b []byte) error
}

func cases[T any, M message[T]](name string, m M) []Case {
	encoded, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("%s cannot be encoded: %v", name, err))
	}
	return []Case{
		{
			Message:   name,
			Codec:     "protobuf",
			Size:      len(encoded),
			Marshal:   marshalProtobuf(m),
			Unmarshal: func() error { return proto.Unmarshal(encoded, M(new(T))) },
		},
		{
			Message:   name,
			Codec:     "vtprotobuf",
			Size:      len(encoded),
			Marshal:   marshalVT[T](m),
			Unmarshal: func() error { return M(new(T)).UnmarshalVT(encoded) },
		},
	}
}

func marshalProtobuf(m proto.Message) func() error {
	var buffer []byte
	return func() (err error) {
		buffer, err = proto.MarshalOptions{}.MarshalAppend(buffer[:0], m)
		return err
	}
}

func marshalVT[T any, M message[T]](m M) func() error {
	var buffer []byte
	return func() error {
		size := m.SizeVT()
		if cap(buffer) < size {
			buffer = make([]byte, size)
		}
		_, err := m.MarshalToSizedBufferVT(buffer[:size])
		return err
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
