package syntax

import (
	"strings"
	"unicode"
)

// number reads a number or a duration: whatever hangs together is one token, so that "2sec" is reported as a whole.
func (l *lexer) number() {
	n := numberLen(l.rest())
	text := l.rest()[:n]
	k, ok := numberKind(text)
	if !ok {
		l.report(shorten(text)+" is not a number and not a duration",
			"write a number as 1, -5, 0x1f, 0.5 or 1e9, a duration as 2s, 1m30s or 250ms")
	}
	l.emit(k, n, !ok)
}

func numberLen(s string) int {
	hex := strings.HasPrefix(strings.TrimPrefix(s, "-"), "0x")
	for i, r := range s {
		sign := i == 0 || !hex && (s[i-1] == 'e' || s[i-1] == 'E')
		if (r == '+' || r == '-') && sign || r == '.' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			continue
		}
		return i
	}
	return len(s)
}

// numberKind tells the kinds of numbers apart. What is none counts as an integer.
func numberKind(s string) (k kind, ok bool) {
	s = strings.TrimPrefix(s, "-")
	switch {
	case strings.HasPrefix(s, "0x"):
		return integer, len(s) > 2 && strings.Trim(s[2:], "0123456789abcdefABCDEF") == ""
	case isDigits(s):
		return integer, s == "0" || s[0] != '0'
	case isFloat(s):
		return float, true
	case isDuration(s):
		return duration, true
	}
	return integer, false
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// isDecimal takes digits, perhaps with a point between them.
func isDecimal(s string) bool {
	whole, fraction, point := strings.Cut(s, ".")
	return isDigits(whole) && (!point || isDigits(fraction))
}

func isFloat(s string) bool {
	mantissa, exponent, exp := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent, exp = s[:i], s[i+1:], true
		if exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
			exponent = exponent[1:]
		}
	}
	return isDecimal(mantissa) && (!exp || isDigits(exponent))
}

func isDuration(s string) bool {
	for s != "" {
		n := len(s) - len(strings.TrimLeft(s, "0123456789."))
		if !isDecimal(s[:n]) {
			return false
		}
		s = s[n:]
		unit := len(s) - len(strings.TrimLeft(s, "hmsun"))
		if !isUnit(s[:unit]) {
			return false
		}
		s = s[unit:]
	}
	return true
}

func isUnit(s string) bool {
	switch s {
	case "h", "m", "s", "ms", "us", "ns":
		return true
	}
	return false
}
