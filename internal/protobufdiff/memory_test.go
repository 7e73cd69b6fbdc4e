package protobufdiff_test

import (
	"bytes"
	"encoding/binary"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A small message does not become a large one in memory, in any format, with generated code or without: a million
// elements that are empty take a few bytes each to send, and may be hundreds of bytes large.
func TestMillionsOfEmptyElements(t *testing.T) {
	const elements = 1 << 20
	requestOf := func(method string, parameter, element []byte) []byte {
		list := bytes.Repeat(element, elements)
		value := binary.BigEndian.AppendUint32(nil, uint32(len(parameter)+4+len(list)))
		value = append(append(value, parameter...), binary.BigEndian.AppendUint32(nil, uint32(len(list)))...)
		args := append([]byte{1}, append(value, list...)...)
		request := append(binary.BigEndian.AppendUint32(nil, uint32(len(method))), method...)
		return append(binary.BigEndian.AppendUint32(request, uint32(len(args))), args...)
	}
	requests := map[string][]byte{
		"large structs": requestOf("lists", []byte{15}, []byte{0, 0, 0, 0}),
		"with a field":  requestOf("lists", []byte{15}, []byte{0, 0, 0, 5, 1, 0, 0, 0, 0}),
		"entries":       requestOf("maps", []byte{15}, []byte{0, 0, 0, 1, 'x', 0, 0, 0, 0})[:1<<20],
		"unions":        requestOf("lists", []byte{14}, []byte{0, 0, 0, 0}),
	}
	var services []*rpc.Service
	for _, s := range dynamicPackage().Services() {
		services = append(services, s.NewService(nil))
	}
	for side, d := range map[string]*rpc.Dispatcher{
		"generated": dispatcher(t, everythingServices()...), "dynamic": dispatcher(t, services...),
	} {
		codec := basic.Format().NewServer(d)
		for name, request := range requests {
			before := allocated()
			_, _, err := codec.Decode(request)
			used := allocated() - before
			// A list that grows by doubling has left as much behind, and may have as much again before it.
			if most := uint64(5 * wire.Allowance(len(request))); used > most {
				t.Errorf("%s, %s: %d MiB for a request of %d KiB (%v)", side, name, used>>20, len(request)>>10, err)
			}
			if name == "large structs" && (err == nil || !strings.Contains(err.Error(), "MiB and 16 times")) &&
				side == "generated" {
				t.Errorf("%s, %s: %v", side, name, err)
			}
		}
	}
}

// The same over the wire format and JSON, for messages without generated code; wire's own tests have the others.
func TestMillionsOfEmptyRecords(t *testing.T) {
	const elements = 1 << 20
	list, field := dynamicPackage().Type("everything.Lists"), []byte(`{"truth":[]},`)
	for name, read := range map[string]func() (int, error){
		"wire": func() (int, error) {
			data := bytes.Repeat([]byte{0x7a, 0x00}, elements)
			return len(data), wire.Unmarshal(data, list.New())
		},
		"wire, with a field": func() (int, error) {
			data := bytes.Repeat([]byte{0x7a, 0x02, 0x0a, 0x00}, elements)
			return len(data), wire.Unmarshal(data, list.New())
		},
		"wire, entries": func() (int, error) {
			data := bytes.Repeat([]byte{0x7a, 0x00}, elements)
			return len(data), wire.Unmarshal(data, dynamicPackage().Type("everything.Maps").New())
		},
		"JSON": func() (int, error) {
			data := append(bytes.Repeat(field, elements), "{}]}"...)
			data = append([]byte(`{"lists":[`), data...)
			return len(data), wire.UnmarshalJSON(data, list.New())
		},
	} {
		before := allocated()
		n, err := read()
		used := allocated() - before
		if most := uint64(5 * wire.Allowance(n)); used > most {
			t.Errorf("%s: %d MiB for a message of %d KiB (%v)", name, used>>20, n>>10, err)
		}
	}
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
