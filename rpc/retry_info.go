package rpc

import (
	"time"

	"github.com/yodelrpc/yodel/wire"
)

// A RetryInfo is the detail of an error, most often [ResourceExhausted] or [Unavailable], that says when to try again:
//
//	for retry := range rpc.DetailsOf[rpc.RetryInfo](err) { ... }
//
// It has the name and the bytes of google.rpc.RetryInfo, which other systems know.
type RetryInfo struct {
	RetryDelay time.Duration `yodel:"1,retry_delay"` // from now on
}

var _ DetailMessage = (*RetryInfo)(nil)

// YodelName implements [DetailMessage].
func (m *RetryInfo) YodelName() string { return "google.rpc.RetryInfo" }

// Reset implements [wire.Message].
func (m *RetryInfo) Reset() { *m = RetryInfo{} }

// EncodeWire implements [wire.Message].
func (m *RetryInfo) EncodeWire(e *wire.Encoder) {
	if m.RetryDelay != 0 {
		e.PutDuration(1, m.RetryDelay)
	}
}

// DecodeWire implements [wire.Message].
func (m *RetryInfo) DecodeWire(d *wire.Decoder) {
	for d.Next() {
		d.Duration(1, &m.RetryDelay)
	}
}
