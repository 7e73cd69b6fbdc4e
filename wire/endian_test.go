package wire

import (
	"bytes"
	"slices"
	"testing"
)

// Machines whose numbers lie the other way in memory go the long way round, and write and read the same.
func TestBothByteOrders(t *testing.T) {
	defer func(was bool) { littleEndian = was }(littleEndian)
	floats, doubles := []float32{1, -2.5, 1e-30}, []float64{1, -2.5, 1e-300}
	var written [][]byte
	for _, littleEndian = range []bool{false, littleEndian} {
		var e Encoder
		e.PutFloat32s(1, floats)
		e.PutFloat64s(2, doubles)
		b, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, b)
		var d Decoder
		d.Reset(b)
		var gotFloats []float32
		var gotDoubles []float64
		for d.Next() {
			d.Float32s(1, &gotFloats)
			d.Float64s(2, &gotDoubles)
		}
		if d.Err() != nil || !slices.Equal(gotFloats, floats) || !slices.Equal(gotDoubles, doubles) {
			t.Errorf("got %v, %v, %v", gotFloats, gotDoubles, d.Err())
		}
	}
	if !bytes.Equal(written[0], written[1]) {
		t.Errorf("% x is not % x", written[0], written[1])
	}
}
