package wire

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A jsonScanner reads the values of a JSON text one after another, strictly by RFC 8259.
type jsonScanner struct {
	data    []byte
	pos     int
	depth   int
	scratch []byte // the last string that had escapes
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *jsonScanner) peek() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take skips white space and then c, and reports whether c was there.
func (s *jsonScanner) take(c byte) bool {
	if s.peek() != c || s.pos == len(s.data) {
		return false
	}
	s.pos++
	return true
}

// end makes sure that nothing but white space is left.
func (s *jsonScanner) end() error {
	if s.peek(); s.pos < len(s.data) {
		return s.unexpected("the end")
	}
	return nil
}

func (s *jsonScanner) unexpected(want string) error {
	if s.pos >= len(s.data) {
		return jsonErrorf("the JSON text ends early: want %s", want)
	}
	return jsonErrorf("unexpected %s at byte %d of the JSON text: want %s", character(s.data[s.pos]), s.pos, want)
}

// character returns what stands in a JSON text between values, quoted. Anything else may be part of a value that is
// sensitive, where quotes went missing.
func character(c byte) string {
	if strings.IndexByte("{}[]:,\"", c) >= 0 {
		return strconv.QuoteRune(rune(c))
	}
	return "character"
}

// object reads an object, and calls member at the value of each member. The name is valid up to the next read.
func (s *jsonScanner) object(member func(name []byte) error) error {
	if !s.take('{') {
		return s.unexpected("an object")
	}
	if s.take('}') {
		return nil
	}
	for {
		if s.peek() != '"' {
			return s.unexpected("a name in quotes")
		}
		name, err := s.string()
		if err != nil {
			return err
		}
		if !s.take(':') {
			return s.unexpected("':'")
		}
		if err := member(name); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.unexpected("',' or '}'")
		}
	}
}

// array reads an array, and calls element at each element.
func (s *jsonScanner) array(element func(i int) error) error {
	if !s.take('[') {
		return s.unexpected("a list")
	}
	if s.take(']') {
		return nil
	}
	for i := 0; ; i++ {
		if err := element(i); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return s.unexpected("',' or ']'")
		}
	}
}

// nested runs read one level deeper.
func (s *jsonScanner) nested(read func() error) error {
	if s.depth++; s.depth > MaxDepth {
		return errTooDeep()
	}
	err := read()
	s.depth--
	return err
}

// skip reads one value of any kind.
func (s *jsonScanner) skip() error {
	switch c := s.peek(); {
	case c == '{':
		return s.nested(func() error { return s.object(func([]byte) error { return s.skip() }) })
	case c == '[':
		return s.nested(func() error { return s.array(func(int) error { return s.skip() }) })
	case c == '"':
		_, err := s.string()
		return err
	case c == '-' || isDigit(c):
		_, err := s.number()
		return err
	default:
		_, err := s.word()
		return err
	}
}

// word reads true, false or null.
func (s *jsonScanner) word() (string, error) {
	s.peek()
	for _, w := range []string{"true", "false", "null"} {
		if rest := s.data[s.pos:]; len(rest) >= len(w) && string(rest[:len(w)]) == w {
			s.pos += len(w)
			return w, nil
		}
	}
	return "", s.unexpected("a value")
}

// null reads null if it is next.
func (s *jsonScanner) null() (bool, error) {
	if s.peek() != 'n' {
		return false, nil
	}
	_, err := s.word()
	return true, err
}

// number reads a number and returns its text.
func (s *jsonScanner) number() ([]byte, error) {
	s.peek()
	start := s.pos
	s.pass('-')
	switch {
	case s.pass('0'):
	case !s.digits():
		return nil, s.unexpected("a number")
	}
	if s.pass('.') && !s.digits() {
		return nil, s.unexpected("a digit")
	}
	if s.pass('e') || s.pass('E') {
		if !s.pass('+') {
			s.pass('-')
		}
		if !s.digits() {
			return nil, s.unexpected("a digit")
		}
	}
	return s.data[start:s.pos], nil
}

// pass is take without white space.
func (s *jsonScanner) pass(c byte) bool {
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// digits passes digits and reports whether there was one.
func (s *jsonScanner) digits() bool {
	start := s.pos
	for s.pos < len(s.data) && isDigit(s.data[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// string reads a string, whose opening quote is next, and returns what it stands for, valid up to the next string.
func (s *jsonScanner) string() ([]byte, error) {
	start := s.pos + 1
	for i := start; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			s.pos = i + 1
			return s.checked(s.data[start:i])
		case c == '\\':
			s.scratch = append(s.scratch[:0], s.data[start:i]...)
			s.pos = i
			return s.escaped()
		case c < ' ':
			s.pos = i
			return nil, s.unexpected(`an escape such as \n for a control character in a string`)
		}
	}
	s.pos = len(s.data)
	return nil, s.unexpected("the end of a string")
}

func (s *jsonScanner) checked(text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, jsonErrorf("the string that ends at byte %d of the JSON text is not valid UTF-8", s.pos)
	}
	return text, nil
}

// escaped is the rest of string from its first escape on, with what came before it in s.scratch.
func (s *jsonScanner) escaped() ([]byte, error) {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.checked(s.scratch)
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, s.unexpected(`an escape such as \n for a control character in a string`)
		default:
			s.scratch = append(s.scratch, c)
			s.pos++
		}
	}
	return nil, s.unexpected("the end of a string")
}

// escape reads one escape, whose backslash is next, into s.scratch.
func (s *jsonScanner) escape() error {
	if s.pos++; s.pos == len(s.data) {
		return s.unexpected("the end of a string")
	}
	c := s.data[s.pos]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return s.unicodeEscape()
	default:
		return s.unexpected(`one of "\/bfnrtu after a backslash`)
	}
	s.scratch = append(s.scratch, c)
	s.pos++
	return nil
}

// unicodeEscape reads one escape, whose u is next, or two that are a surrogate pair.
func (s *jsonScanner) unicodeEscape() error {
	s.pos++
	start := s.pos
	r, err := s.hex4()
	if err != nil {
		return err
	}
	if utf16.IsSurrogate(r) {
		var low rune
		if s.pass('\\') && s.pass('u') {
			if low, err = s.hex4(); err != nil {
				return err
			}
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return jsonErrorf("half a surrogate pair at byte %d of the JSON text: want both halves", start)
		}
	}
	s.scratch = utf8.AppendRune(s.scratch, r)
	return nil
}

func (s *jsonScanner) hex4() (rune, error) {
	var r rune
	for range 4 {
		if s.pos == len(s.data) {
			return 0, s.unexpected("four hexadecimal digits")
		}
		switch c := s.data[s.pos]; {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, s.unexpected("four hexadecimal digits")
		}
		s.pos++
	}
	return r, nil
}

// describe reads one value of any kind and returns a short form of it for an error. If there is no value, it returns
// that error.
func (s *jsonScanner) describe() (string, error) {
	c := s.peek()
	start := s.pos
	if err := s.skip(); err != nil {
		return "", err
	}
	text := string(s.data[start:s.pos])
	switch {
	case c == '{':
		return "an object", nil
	case c == '[':
		return "a list", nil
	case c == '"':
		s.pos = start
		text, err := s.string()
		return quote(string(text)), err
	case len(text) > 64:
		return fmt.Sprintf("%s… (%d bytes)", text[:64], len(text)), nil
	}
	return text, nil
}
