// Package gzip is the codec of gzip (RFC 1952), with the standard library's implementation. It is the one that
// everybody has, and the slowest: see [github.com/yodelrpc/yodel/compress/s2] and
// [github.com/yodelrpc/yodel/compress/zstd] for calls between programs of one's own.
package gzip

import (
	"bytes"
	"compress/gzip"
	"sync"

	"github.com/yodelrpc/yodel/compress"
)

// Name is the codec's, and HTTP's for it.
const Name = "gzip"

// Codec returns the codec. It compresses at the fastest level, for a call waits meanwhile.
func Codec() compress.Codec {
	return compress.Codec{Name: Name, Floor: floor, Compress: encode, Decompress: decode}
}

// floor is where header, trailer and the making ready of the tables are little beside the message.
const floor = 4 << 10

// What compresses and decompresses is used again: a writer has about 800 KiB of tables, a reader 40. The collector
// frees those that nobody needs.
var (
	writers = sync.Pool{New: func() any {
		w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant of the package
		}
		return w
	}}
	readers = sync.Pool{New: func() any { return new(reader) }}
)

func encode(dst, src []byte) []byte {
	w := writers.Get().(*gzip.Writer)
	defer writers.Put(w)
	to := appender{dst}
	w.Reset(&to)
	_, _ = w.Write(src) // an appender has no errors
	_ = w.Close()
	w.Reset(nil) // which keeps no message
	return to.b
}

// An appender is a slice that is written to.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// A reader decompresses from a slice.
type reader struct {
	src bytes.Reader
	gz  gzip.Reader
}

func decode(dst, src []byte, limit int) ([]byte, error) {
	r := readers.Get().(*reader)
	defer func() {
		r.src.Reset(nil) // which keeps no message
		readers.Put(r)
	}()
	r.src.Reset(src)
	if err := r.gz.Reset(&r.src); err != nil {
		return dst, compress.Corrupt(Name, err)
	}
	return compress.ReadAll(Name, dst, &r.gz, 4*len(src), limit)
}
