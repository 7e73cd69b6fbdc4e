package wire

import (
	"fmt"
	"strconv"
)

// A JSONError says where a JSON text or a message is not what its type wants.
type JSONError struct {
	Path    string // of the value in the message: "points[2].x", "counts[\"a\"]"; empty for the whole of it
	Problem string // `"abc" is not an int`
}

// Error returns the path and the problem.
func (e *JSONError) Error() string {
	if e.Path == "" {
		return e.Problem
	}
	return e.Path + ": " + e.Problem
}

// In returns the error for a message that is itself the value at path: In("params") makes "params.num1: ..." of "num1:
// ...".
func (e *JSONError) In(path string) *JSONError {
	if e.Path != "" && e.Path[0] != '[' {
		path += "."
	}
	return &JSONError{Path: path + e.Path, Problem: e.Problem}
}

func jsonErrorf(format string, args ...any) *JSONError {
	return &JSONError{Problem: fmt.Sprintf(format, args...)}
}

func errMissingArgument(f *Field) *JSONError { return jsonErrorf("missing argument %q", f.Name) }

func errTooDeep() *JSONError {
	return jsonErrorf("values are nested more than %d deep", MaxDepth)
}

// atField says that err came up in the named field of a message; atIndex and atKey do so for lists and maps.
func atField(err error, path string) error {
	if e, ok := err.(*JSONError); ok {
		return e.In(path)
	}
	return err
}

func atIndex(err error, i int) error { return atField(err, "["+strconv.Itoa(i)+"]") }

func atKey(err error, key string) error { return atField(err, "["+quote(key)+"]") }

// quote returns a peer's text for an error: quoted, escaped, and cut to 64 bytes.
func quote(s string) string {
	if len(s) > 64 {
		return fmt.Sprintf("%q… (%d bytes)", s[:64], len(s))
	}
	return strconv.Quote(s)
}
