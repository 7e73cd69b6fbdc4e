package line

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// appendDetails appends an error's details, if there are any, as a further member. One that is passed on and came in
// protobuf's wire format stays in it, since only its type could tell what it is in JSON.
func appendDetails(b []byte, details []rpc.Detail) []byte {
	if len(details) == 0 {
		return b
	}
	const opening = `, "details": [`
	b = append(b, opening...)
	first := len(b)
	for _, d := range details {
		format, content := d.Encoded()
		var line bytes.Buffer
		if format == rpc.DetailJSON && json.Compact(&line, content) != nil {
			continue // passed on from a server that does not write JSON
		}
		if len(b) > first {
			b = append(b, ", "...)
		}
		b = append(b, `{"type": `...)
		b = wire.AppendJSONString(b, d.Name())
		if format == rpc.DetailJSON {
			b = append(append(b, `, "value": `...), line.Bytes()...)
		} else {
			b = append(b, `, "wire": "`...)
			b = append(base64.StdEncoding.AppendEncode(b, content), '"')
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// readDetails reads the list of an error's details; nil is none.
func readDetails(list json.RawMessage) (details []rpc.Detail, err error) {
	if isNull(list) {
		return nil, nil
	}
	var all []json.RawMessage
	if err := json.Unmarshal(list, &all); err != nil {
		return nil, fmt.Errorf("%s is not a list", rpc.Quote(string(list)))
	}
	for _, one := range all {
		var name string
		var value, raw json.RawMessage
		members, err := split(one)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			switch m.name {
			case "type":
				_ = json.Unmarshal(m.value, &name) // the name's check says what is wrong
			case "value":
				value = m.value
			case "wire":
				raw = m.value
			}
		}
		format, content := rpc.DetailJSON, []byte(value)
		if value == nil {
			format = rpc.DetailWire
			if err := json.Unmarshal(raw, &content); err != nil {
				return nil, fmt.Errorf(`%s has neither "value" nor base64 in "wire"`, rpc.Quote(name))
			}
		}
		if details, err = rpc.AppendDetail(details, name, format, content); err != nil {
			return nil, err
		}
	}
	return details, nil
}
