package diag

import (
	"strings"
	"unicode/utf8"
)

// reach is how many bytes of a line are shown on each side of a place.
const reach = 100

// excerpt returns the line of a place, cut at a distance from it, and white space as wide as what stands before the
// place. Tabs stay tabs in both, so that the caret stands right at any tab width.
func (s *Source) excerpt(pos Pos) (line, indent string) {
	at := min(pos.Offset, len(s.Text))
	before, after := s.Text[max(0, at-reach):at], s.Text[at:min(len(s.Text), at+reach)]
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		before = before[i+1:]
	}
	if i := strings.IndexByte(after, '\n'); i >= 0 {
		after = after[:i]
	}
	before, after = printable(trimStart(before)), printable(trimEnd(after))
	return strings.TrimRight(before+after, " \t"), blank(before)
}

// trimStart drops what a cut left of a character.
func trimStart(s string) string {
	for len(s) > 0 && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}

func trimEnd(s string) string {
	for len(s) > 0 {
		if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

// printable replaces what would disturb a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return -1
		case r != '\t' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError):
			return '?'
		}
		return r
	}, s)
}

func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}
