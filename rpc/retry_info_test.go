package rpc_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// The bytes are those of google.rpc.RetryInfo: field 1 is a google.protobuf.Duration.
func TestRetryInfoOnTheWire(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{0, time.Nanosecond, 1500 * time.Millisecond, time.Hour} {
		b, err := wire.Marshal(&rpc.RetryInfo{RetryDelay: d})
		if err != nil {
			t.Fatal(err)
		}
		var got rpc.RetryInfo
		if err := wire.Unmarshal(b, &got); err != nil || got.RetryDelay != d {
			t.Errorf("%v came back as %v, %v", d, got.RetryDelay, err)
		}
		if d == 0 {
			continue
		}
		var want, span []byte
		if s := d / time.Second; s != 0 {
			span = protowire.AppendVarint(protowire.AppendTag(span, 1, protowire.VarintType), uint64(s))
		}
		if n := d % time.Second; n != 0 {
			span = protowire.AppendVarint(protowire.AppendTag(span, 2, protowire.VarintType), uint64(n))
		}
		want = protowire.AppendBytes(protowire.AppendTag(want, 1, protowire.BytesType), span)
		if string(b) != string(want) {
			t.Errorf("%v: % x; want % x", d, b, want)
		}
	}
	e := rpc.NewError(rpc.ResourceExhausted, "later").WithDetails(&rpc.RetryInfo{RetryDelay: time.Second})
	for retry := range rpc.DetailsOf[rpc.RetryInfo](e) {
		if retry.RetryDelay != time.Second {
			t.Errorf("the detail says %v", retry.RetryDelay)
		}
	}
}
