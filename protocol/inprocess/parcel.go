package inprocess

import (
	"reflect"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A parcel is a message between the two sides, which belongs to neither: a copy, or its bytes.
type parcel struct {
	message rpc.Message // nil where it is encoded
	encoded []byte
}

// pack returns a message as it travels. what begins the error for one over the limit, such as "the answer has".
func (c *Conn) pack(from rpc.Message, what string) (p parcel, err error) {
	_, isRecord := from.(wire.RecordHolder) // which is copied by way of its encoding anyway
	if !c.options.Serialize && !isRecord {
		p.message = wire.New(from)
		return p, wire.Copy(p.message, from)
	}
	if p.encoded, err = wire.Marshal(from); err != nil {
		return p, err
	}
	if n, limit := len(p.encoded), c.options.Limits.Message; c.options.Serialize && n > limit {
		return p, rpc.Errorf(rpc.ResourceExhausted, "%s %d bytes, over the limit of %d; raise Limits.Message on both "+
			"sides, or send less at a time", what, n, limit)
	}
	return p, nil
}

// unpack gives the message to into. It is done once.
func (p parcel) unpack(into rpc.Message) error {
	switch {
	case p.message == nil:
		return wire.Unmarshal(p.encoded, into)
	case reflect.TypeOf(p.message) == reflect.TypeOf(into):
		wire.Move(into, p.message)
		return nil
	}
	return wire.Copy(into, p.message)
}

// refusal returns the error for a message that pack did not take.
func refusal(code rpc.Code, what string, err error) *rpc.Error {
	if e, ok := err.(*rpc.Error); ok {
		return e
	}
	return rpc.Errorf(code, "%s cannot be encoded: %w", what, err)
}
