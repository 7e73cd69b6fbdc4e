package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Quote returns the text of a String value that means s.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		default:
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	b.WriteByte('"')
	return b.String()
}

// Unquote returns what a String value means: UTF-8, unless \x escapes make it something else.
func (v *Value) Unquote() (string, error) {
	text := v.Text
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return "", fmt.Errorf("%q is not a string in double quotes", text)
	}
	text = text[1 : len(text)-1]
	var b strings.Builder
	for len(text) > 0 {
		n := strings.IndexByte(text, '\\')
		if n < 0 {
			n = len(text)
		}
		b.WriteString(text[:n])
		if text = text[n:]; text == "" {
			break
		}
		size := escape(&b, text)
		if size == 0 {
			return "", fmt.Errorf("unknown escape in %q", v.Text)
		}
		text = text[size:]
	}
	return b.String(), nil
}

// Step returns how many bytes the character or escape at a place of the text of a String takes there, and how many
// bytes it means; 0 at the end.
func (v *Value) Step(at int) (size, means int) {
	text := strings.TrimSuffix(v.Text, `"`)
	switch {
	case at >= len(text):
		return 0, 0
	case text[at] != '\\':
		return 1, 1
	}
	var b strings.Builder
	size = escape(&b, text[at:])
	return size, b.Len()
}

// escape writes what the escape at the start of s means and returns its length, 0 for one that means nothing.
func escape(b *strings.Builder, s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case '"', '\\':
		b.WriteByte(s[1])
	case 'x':
		return hexEscape(s, 4, func(n uint64) { b.WriteByte(byte(n)) })
	case 'u':
		return hexEscape(s, 6, func(n uint64) { b.WriteRune(rune(n)) })
	default:
		return 0
	}
	return 2
}

// hexEscape reads \xHH or \uHHHH, size bytes in all. Halves of surrogate pairs are no characters.
func hexEscape(s string, size int, write func(uint64)) int {
	if len(s) < size {
		return 0
	}
	n, err := strconv.ParseUint(s[2:size], 16, 32)
	if err != nil || size == 6 && !utf8.ValidRune(rune(n)) {
		return 0
	}
	write(n)
	return size
}
