package schema

import (
	"strings"
	"unicode"
)

// Words returns the words of a name in lower case: "HTTPError" is "http", "error"; "HALF_EVEN" is "half", "even".
// Digits belong to the word before them.
func Words(name string) []string {
	var words []string
	runes := []rune(name)
	begin := 0
	cut := func(end int) {
		if end > begin {
			words = append(words, strings.ToLower(string(runes[begin:end])))
		}
		begin = end
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			cut(i)
			begin = i + 1
		case unicode.IsUpper(r) && i > begin:
			followed := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if !unicode.IsUpper(runes[i-1]) || followed {
				cut(i)
			}
		}
	}
	cut(len(runes))
	return words
}

// UpperCamel returns a name as generated code exports it: "num_lines" and "numLines" give "NumLines", "userID" gives
// "UserID", and a name all in capitals loses them: "HALF_EVEN" gives "HalfEven".
func UpperCamel(name string) string {
	if strings.ToUpper(name) == name {
		name = strings.ToLower(name)
	}
	var b strings.Builder
	begins := true
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			begins = true
		case begins:
			b.WriteRune(unicode.ToUpper(r))
			begins = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// JSONName returns a field's name as ProtoJSON writes it: an underscore goes, and the letter behind it is a capital.
func JSONName(name string) string {
	var b strings.Builder
	upper := false
	for _, r := range name {
		switch {
		case r == '_':
			upper = true
		case upper:
			b.WriteRune(unicode.ToUpper(r))
			upper = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
