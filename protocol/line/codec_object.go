package line

import (
	"encoding/json"
	"fmt"

	"github.com/yodelrpc/yodel/wire"
)

// once sets place to the value of the member called name, unless it has one.
func once(place *json.RawMessage, name string, value []byte) error {
	if *place != nil {
		return fmt.Errorf("%q appears twice", name)
	}
	*place = value
	return nil
}

// A member is one member of an object, its value still JSON.
type member struct {
	name  string
	value json.RawMessage
}

// split returns all members of data, which is one object.
func split(data []byte) ([]member, error) {
	var all []member
	err := wire.EachJSONMember(data, func(name, value []byte) error {
		all = append(all, member{string(name), value})
		return nil
	})
	return all, err
}

// isNull reports whether a member is absent or null.
func isNull(value json.RawMessage) bool { return value == nil || string(value) == "null" }
