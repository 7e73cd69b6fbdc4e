package jsoncall

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A member is one member of an object, its value still JSON.
type member struct {
	name  string
	value json.RawMessage
}

// members splits data, which is one object, into those of its members that are wanted, in the order of want; one that is
// absent is nil. Of the others it makes sure only that they are JSON.
func members(data []byte, want ...string) ([]json.RawMessage, error) {
	all, err := split(data)
	if err != nil {
		return nil, err
	}
	found := make([]json.RawMessage, len(want))
	for _, m := range all {
		for i, name := range want {
			if m.name != name {
				continue
			}
			if found[i] != nil {
				return nil, fmt.Errorf("%q appears twice", name)
			}
			found[i] = m.value
		}
	}
	return found, nil
}

// split returns all members of data, which is one object.
func split(data []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil {
		return nil, syntaxError(d, err)
	} else if start != json.Delim('{') {
		return nil, fmt.Errorf("want a JSON object, not %v", describe(start))
	}
	var all []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, syntaxError(d, err)
		}
		m := member{name: name.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, syntaxError(d, err)
		}
		all = append(all, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, syntaxError(d, err)
	}
	if rest := bytes.TrimLeft(data[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, fmt.Errorf("there is more after the JSON object, from byte %d on", len(data)-len(rest))
	}
	return all, nil
}

func describe(t json.Token) string {
	switch t.(type) {
	case json.Delim:
		return "a list"
	case string:
		return "a string"
	case float64:
		return "a number"
	default:
		return fmt.Sprint(t)
	}
}

// syntaxError says where in the text the error is, as a number of bytes before it.
func syntaxError(d *json.Decoder, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON text ends early")
	}
	at := d.InputOffset()
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = max(at, e.Offset-1)
	}
	return fmt.Errorf("bad JSON at byte %d: %w", at, err)
}

// isNull reports whether a member is absent or null.
func isNull(value json.RawMessage) bool { return value == nil || string(value) == "null" }
