// Package zstd is the codec of Zstandard (RFC 8878): smaller than gzip at several times its speed, for links that are
// slow beside the processor. The implementation is github.com/klauspost/compress's, which programs link that import
// this package, and no others.
package zstd

import (
	"bytes"
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/yodelrpc/yodel/compress"
)

// Name is the codec's, and HTTP's for it.
const Name = "zstd"

// Codec returns the codec. It compresses at the fastest level, for a call waits meanwhile. A message is one or more
// frames; those that it makes tell their length and have a checksum.
func Codec() compress.Codec {
	return compress.Codec{Name: Name, Floor: floor, Compress: encode, Decompress: decode}
}

const (
	// floor is where the making of the tables is little beside the message.
	floor = 4 << 10
	// window is how far a message may refer back, which bounds the encoder's memory.
	window = 1 << 20
	// foreignWindow is how far one of another sender may that does not tell its length: what RFC 9659 allows in HTTP.
	foreignWindow = 8 << 20
)

// What compresses and decompresses is used again, at a time by one goroutine. It starts none of its own, so that the
// collector frees what nobody needs.
var (
	encoders = sync.Pool{New: func() any {
		return must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true)))
	}}
	decoders = sync.Pool{New: func() any {
		return must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(foreignWindow)))
	}}
)

// must is for options that are constants.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func encode(dst, src []byte) []byte {
	e := encoders.Get().(*zstd.Encoder)
	defer encoders.Put(e)
	return e.EncodeAll(src, dst)
}

func decode(dst, src []byte, limit int) ([]byte, error) {
	var h zstd.Header
	switch err := h.Decode(src); {
	case err != nil:
		return dst, compress.Corrupt(Name, err)
	case h.HasFCS && h.FrameContentSize > uint64(limit):
		return dst, compress.TooLarge(Name, limit)
	}
	d := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(d)
	if most := max(limit, zstd.MinWindowSize); h.Skippable || h.HasFCS && h.WindowSize <= uint64(most) {
		return decodeWhole(d, dst, src, limit, most)
	}
	return decodeStream(d, dst, src, limit)
}

// decodeWhole is for frames that tell their lengths, as those of encode. It goes straight to dst, which for others
// would have to grow.
func decodeWhole(d *zstd.Decoder, dst, src []byte, limit, most int) ([]byte, error) {
	most += len(dst) // which the decoder counts as well, in one of its two looks
	if err := d.ResetWithOptions(nil, zstd.WithDecoderMaxMemory(uint64(most))); err != nil {
		return dst, compress.Corrupt(Name, err)
	}
	out, err := d.DecodeAll(src, dst)
	if err != nil {
		return dst, explain(err, limit)
	}
	if len(out)-len(dst) > limit {
		return dst, compress.TooLarge(Name, limit)
	}
	return out, nil
}

// decodeStream is for frames of senders that did not know their lengths, or name a window of more than these.
func decodeStream(d *zstd.Decoder, dst, src []byte, limit int) ([]byte, error) {
	defer func() { _ = d.Reset(nil) }() // which keeps no message
	if err := d.ResetWithOptions(bytes.NewReader(src), zstd.WithDecoderMaxMemory(foreignWindow)); err != nil {
		return dst, explain(err, limit)
	}
	out, err := compress.ReadAll(Name, dst, d, 4*len(src), limit)
	if err != nil {
		return dst, explain(err, limit)
	}
	return out, nil
}

// explain returns an error in the words of package compress.
func explain(err error, limit int) error {
	switch {
	case errors.Is(err, compress.ErrTooLarge):
		return err
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return compress.TooLarge(Name, limit)
	case errors.Is(err, compress.ErrCorrupt):
		return err
	}
	return compress.Corrupt(Name, err)
}
