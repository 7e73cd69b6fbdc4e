package wire

import (
	"errors"
	"strings"
)

// maxText is the length of the text, in bytes, after which String leaves off the rest.
const maxText = 1024

var errTextFull = errors.New("the text is long enough")

// String returns m in one line for people and logs: as in JSON, with *** in place of sensitive fields. What goes beyond
// 1 KiB, or cannot be written, is left off, and the text then ends with "…".
func String(m Message) string {
	w := jsonWriter{log: true}
	err := w.fields(TypeOf(m), ValueOf(m))
	if err == nil && len(w.b) <= maxText {
		return string(w.b)
	}
	return strings.ToValidUTF8(string(w.b[:min(len(w.b), maxText)]), "") + "…"
}
