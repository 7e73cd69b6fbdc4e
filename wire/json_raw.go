package wire

import (
	"bytes"
	"encoding/json"
	"errors"
)

// A JSONText is a message of which nobody here knows the type, as JSON. As arguments it is the object that a request
// has; what it reads is the member "result" of an answer. Only JSON carries it: it has no [Type], and the wire format
// refuses it.
type JSONText struct{ Text []byte }

// Reset implements [Message].
func (t *JSONText) Reset() { t.Text = nil }

var errJSONOnly = errors.New("without a definition, a call goes over the line protocol or HTTP alone")

// EncodeWire implements [Message]. It is an error.
func (t *JSONText) EncodeWire(e *Encoder) { e.fail("%w", errJSONOnly) }

// DecodeWire implements [Message]. It is an error.
func (t *JSONText) DecodeWire(d *Decoder) { d.fail(errJSONOnly) }

// appendJSON appends the text, which has to be one JSON object, on one line.
func (t *JSONText) appendJSON(b []byte) ([]byte, error) {
	var line bytes.Buffer
	if err := json.Compact(&line, t.Text); err != nil {
		return b, jsonErrorf("bad JSON: %v", err)
	}
	if line.Bytes()[0] != '{' {
		return b, jsonErrorf("want a JSON object, not %s", quote(line.String()))
	}
	return append(b, line.Bytes()...), nil
}

func (t *JSONText) readJSON(data []byte) error {
	var answer struct {
		Result json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return jsonErrorf("bad JSON: %v", err)
	}
	if t.Text = answer.Result; t.Text == nil {
		t.Text = []byte("null")
	}
	return nil
}
