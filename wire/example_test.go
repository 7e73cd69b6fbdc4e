package wire_test

import (
	"fmt"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/wire"
)

func ExampleMarshal() {
	data, err := wire.Marshal(&everything.Scalars{Small: 150, Name: "ü"})
	fmt.Printf("%x %v\n", data, err)
	// Output: 1096014202c3bc <nil>
}

func ExampleUnmarshal() {
	var m everything.Scalars
	err := wire.Unmarshal([]byte{0x10, 0x96, 0x01}, &m)
	fmt.Println(m.Small, err)
	err = wire.Unmarshal([]byte{0x10, 0x96}, &m)
	fmt.Println(err)
	// Output:
	// 150 <nil>
	// field 2: the message ends in the middle of a field
}

func ExampleMarshalJSON() {
	text, err := wire.MarshalJSON(&everything.Scalars{Small: 150, Large: 1 << 60, Name: "ü"})
	fmt.Println(string(text), err)
	// Output: {"small":150,"large":"1152921504606846976","name":"ü"} <nil>
}

func ExampleUnmarshalJSON() {
	var m everything.Scalars
	err := wire.UnmarshalJSON([]byte(`{"small": 150, "new": "unknown fields are skipped"}`), &m)
	fmt.Println(m.Small, err)
	err = wire.UnmarshalJSON([]byte(`{"small": "many"}`), &m)
	fmt.Println(err)
	// Output:
	// 150 <nil>
	// small: "many" is not an int
}

func ExampleGet() {
	m := everything.Scalars{Small: 150, Rounding: everything.RoundingDown}
	small, ok := wire.Get[int32](&m, "small")
	fmt.Println(small, ok)
	rounding, _ := wire.Get[string](&m, "rounding")
	fmt.Println(rounding)
	_, ok = wire.Get[string](&m, "small")
	fmt.Println(ok)
	// Output:
	// 150 true
	// DOWN
	// false
}
