package rpc

import "github.com/yodelrpc/yodel/wire"

// A BadRequest is the detail of an [InvalidArgument] error that says which values of a call are not as the definition
// wants them, one violation each:
//
//	for bad := range rpc.DetailsOf[rpc.BadRequest](err) { ... }
//
// It has the name and the bytes of google.rpc.BadRequest, which other systems know.
type BadRequest struct {
	Violations []FieldViolation `yodel:"1,field_violations"`
}

// A FieldViolation is one value that is not as the definition wants it.
type FieldViolation struct {
	Field       string `yodel:"1,field"`       // its path: `name`, `order.items[2].name`, `counts["a"]`
	Description string `yodel:"2,description"` // "is 0, below the minimum 1"; without the value where that is sensitive
	Reason      string `yodel:"3,reason"`      // the constraint: MIN, MAX, LEN, ITEMS or PATTERN
}

var _ DetailMessage = (*BadRequest)(nil)

// YodelName implements [DetailMessage].
func (m *BadRequest) YodelName() string { return "google.rpc.BadRequest" }

// Reset implements [wire.Message].
func (m *BadRequest) Reset() { *m = BadRequest{} }

// EncodeWire implements [wire.Message].
func (m *BadRequest) EncodeWire(e *wire.Encoder) { wire.PutMessages(e, 1, m.Violations) }

// DecodeWire implements [wire.Message].
func (m *BadRequest) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		wire.ReadMessages(d, 1, &m.Violations)
	}
}

// Reset implements [wire.Message].
func (m *FieldViolation) Reset() { *m = FieldViolation{} }

// EncodeWire implements [wire.Message].
func (m *FieldViolation) EncodeWire(e *wire.Encoder) {
	if m.Field != "" {
		e.PutString(1, m.Field)
	}
	if m.Description != "" {
		e.PutString(2, m.Description)
	}
	if m.Reason != "" {
		e.PutString(3, m.Reason)
	}
}

// DecodeWire implements [wire.Message].
func (m *FieldViolation) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		d.String(1, &m.Field)
		d.String(2, &m.Description)
		d.String(3, &m.Reason)
	}
}
