// Package compress says what compresses messages: a [Codec] is one way, with its name, and the packages below this one
// have those that programs choose from, [github.com/yodelrpc/yodel/compress/gzip] of the standard library,
// [github.com/yodelrpc/yodel/compress/s2] and [github.com/yodelrpc/yodel/compress/zstd]. This package links the
// standard library alone, and nothing compresses unless a program passes a codec in.
package compress

import (
	"errors"
	"fmt"
)

// A Codec compresses and decompresses whole messages, each by itself: nothing is remembered from one to the next. All
// fields are needed, but for Floor. Its functions may be called by many goroutines at once, and keep neither dst nor
// src.
type Codec struct {
	// Name is what two sides agree on it by: the one that HTTP has for it, where HTTP has one. It is of 1 to 32 lower
	// case letters, digits and hyphens.
	Name string

	// Floor is the size in bytes below which a message is not worth the try; 0 for none.
	Floor int

	// Compress appends src, compressed, to dst and returns the extended slice. dst and src do not overlap.
	Compress func(dst, src []byte) []byte

	// Decompress appends what src, one message of Compress, was made from to dst and returns the extended slice. What
	// it appends has limit bytes at most, whatever src says, and so have, but for a fixed sum, the bytes that it takes
	// to find out: a message that would be longer is an error that is [ErrTooLarge], as soon as that is seen. One that
	// is not whole, or not of this codec, is an error that is [ErrCorrupt]. What dst then holds behind its length is
	// anything. dst and src do not overlap.
	Decompress func(dst, src []byte, limit int) ([]byte, error)
}

// The two errors of a Decompress, which errors.Is finds in what it returns.
var (
	ErrTooLarge = errors.New("more bytes than allowed when decompressed")
	ErrCorrupt  = errors.New("corrupt compressed data")
)

// TooLarge returns the error of a message that is over limit.
func TooLarge(name string, limit int) error {
	return fmt.Errorf("%s: %w: over %d", name, ErrTooLarge, limit)
}

// Corrupt returns the error of a message that cannot be decompressed; cause is what is wrong with it.
func Corrupt(name string, cause error) error {
	return fmt.Errorf("%s: %w: %w", name, ErrCorrupt, cause)
}

// maxName bounds a codec's name, in bytes.
const maxName = 32

// Validate returns an error that says what the codec lacks.
func (c Codec) Validate() error {
	switch {
	case !validName(c.Name):
		return fmt.Errorf("compress.Codec: the name %q is not of 1 to %d lower case letters, digits and hyphens",
			c.Name, maxName)
	case c.Floor < 0:
		return fmt.Errorf("compress.Codec %s: Floor is %d; it cannot be negative", c.Name, c.Floor)
	case c.Compress == nil || c.Decompress == nil:
		return fmt.Errorf("compress.Codec %s lacks Compress or Decompress", c.Name)
	}
	return nil
}

func validName(name string) bool {
	for _, r := range []byte(name) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return name != "" && len(name) <= maxName
}
