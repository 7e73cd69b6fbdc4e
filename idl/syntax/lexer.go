package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yodelrpc/yodel/idl/diag"
)

// A lexer cuts a text into tokens. It reports what it cannot read and goes on behind it.
type lexer struct {
	source   *diag.Source
	text     string
	pos      Pos
	lastLine int  // on which the last token or comment stood
	strayed  bool // what stands before the next token was reported
	comments []remark
	tokens   []token
	diags    *diag.List
}

// lex returns the tokens of a text; the last one, and only that, is eof.
func lex(source *diag.Source, diags *diag.List) []token {
	l := &lexer{source: source, text: source.Text, pos: Pos{Line: 1, Column: 1}, diags: diags}
	for l.space(); l.pos.Offset < len(l.text); l.space() {
		l.next()
	}
	l.emit(eof, 0, false)
	return l.tokens
}

func (l *lexer) rest() string { return l.text[l.pos.Offset:] }

// skip moves past n bytes that hold no line end.
func (l *lexer) skip(n int) {
	l.pos.Column += utf8.RuneCountInString(l.rest()[:n])
	l.pos.Offset += n
}

func (l *lexer) newline() {
	l.pos = Pos{Offset: l.pos.Offset + 1, Line: l.pos.Line + 1, Column: 1}
}

func (l *lexer) space() {
	for l.pos.Offset < len(l.text) {
		switch l.text[l.pos.Offset] {
		case '\n':
			l.newline()
		case ' ', '\t', '\r':
			l.skip(1)
		default:
			return
		}
	}
}

func (l *lexer) gap() bool { return l.pos.Line-l.lastLine > 1 }

// emit makes a token of the next n bytes; bad says that something about it was reported.
func (l *lexer) emit(k kind, n int, bad bool) {
	l.tokens = append(l.tokens, token{
		kind: k, text: l.rest()[:n], pos: l.pos, first: l.pos.Line != l.lineOfLast(), bad: bad || l.strayed,
		gap: l.gap(), comments: l.comments,
	})
	l.comments, l.strayed = nil, false
	l.lastLine = l.pos.Line
	l.skip(n)
}

func (l *lexer) lineOfLast() int {
	if len(l.tokens) == 0 {
		return 0
	}
	return l.tokens[len(l.tokens)-1].pos.Line
}

func (l *lexer) report(message, remedy string) {
	l.diags.Add(l.source.At(l.pos, message, remedy))
}

func (l *lexer) next() {
	rest := l.rest()
	c := rest[0]
	switch k, symbol := symbols[c]; {
	case strings.HasPrefix(rest, "//"):
		l.comment()
	case strings.HasPrefix(rest, "/*"):
		l.blockComment()
	case c == '#':
		l.report(`"#" begins no comment`, "write // instead of #")
		l.skip(lineLen(rest))
	case c == '"':
		l.str()
	case c == '\'' || c == '`':
		l.otherQuotes(c)
	case strings.HasPrefix(rest, "=>"), strings.HasPrefix(rest, "->"):
		l.emit(arrow, 2, false) // the parser tells them apart
	case symbol:
		l.emit(k, 1, false)
	case isDigit(c) || c == '-' && len(rest) > 1 && isDigit(rest[1]):
		l.number()
	case wordLen(rest) > 0:
		l.word()
	default:
		l.strange()
	}
}

func (l *lexer) comment() {
	n := lineLen(l.rest())
	text := strings.TrimRightFunc(l.rest()[2:n], unicode.IsSpace)
	l.comments = append(l.comments, remark{Comment{Text: text, Gap: l.gap()}, l.pos.Line})
	l.lastLine = l.pos.Line
	l.skip(n)
}

func (l *lexer) blockComment() {
	l.report(`"/*" begins no comment`, "write // at the start of each line of a comment")
	n := strings.Index(l.rest(), "*/")
	if n < 0 {
		n = len(l.rest())
	} else {
		n += len("*/")
	}
	for end := l.pos.Offset + n; l.pos.Offset < end; {
		if part := lineLen(l.text[l.pos.Offset:end]); part > 0 {
			l.skip(part)
		} else {
			l.newline()
		}
	}
}

// str reads a string in double quotes, which ends on the line where it begins.
func (l *lexer) str() {
	rest := l.rest()
	var discard strings.Builder
	i, bad := 1, false
	for i < len(rest) && rest[i] != '\n' {
		switch rest[i] {
		case '"':
			l.emit(str, i+1, bad)
			return
		case '\\':
			size := escape(&discard, rest[i:])
			if size == 0 {
				l.badEscape(i)
				size, bad = 1, true
			}
			i += size
		default:
			i++
		}
	}
	l.report("the string has no end on its line", `write " behind its last character, and \n for a line end within it`)
	l.emit(str, i, true)
}

// badEscape reports the escape at an offset in the string that begins at the lexer's place.
func (l *lexer) badEscape(offset int) {
	pos := l.pos
	pos.Column += utf8.RuneCountInString(l.rest()[:offset])
	pos.Offset += offset
	l.diags.Add(l.source.At(pos, "unknown escape in a string",
		`write \\ for a backslash; the escapes are \n \r \t \" \\ \xHH for a byte and \uHHHH for a character`))
}

// otherQuotes reads a string between quotes of another language, on one line.
func (l *lexer) otherQuotes(quote byte) {
	l.report("a string stands in double quotes", fmt.Sprintf(`write "..." instead of %c...%c`, quote, quote))
	rest := l.rest()
	n := len(rest)
	if i := strings.IndexAny(rest[1:], string(quote)+"\n"); i >= 0 {
		n = i + 1
		if rest[n] == quote {
			n++
		}
	}
	l.emit(str, n, true)
}

func (l *lexer) word() {
	n := wordLen(l.rest())
	text := l.rest()[:n]
	if !isASCII(text) {
		l.report(fmt.Sprintf("the name %s has characters other than letters a to z, digits and _", shorten(text)),
			"write it with those alone")
	}
	l.emit(word, n, !isASCII(text))
}

// strange reports a run of characters that the language has no use for.
func (l *lexer) strange() {
	rest := l.rest()
	n := 0
	for n < len(rest) && isStrange(rest[n:]) {
		_, size := utf8.DecodeRuneInString(rest[n:])
		n += size
	}
	n = max(n, 1)
	remedy := "leave it out"
	switch rest[0] {
	case '-':
		remedy = "write _ within a name, and a digit right behind a minus sign"
	case '[':
		remedy = "write list<T> for many values, as in: list<int> nums; a list has no default"
	case '*':
		remedy = "write ? behind the type of what may be absent, as in: string? label"
	}
	l.report("unexpected "+shorten(rest[:n]), remedy)
	l.skip(n)
	l.strayed = true
}

func isStrange(s string) bool {
	_, symbol := symbols[s[0]]
	known := symbol || isDigit(s[0]) || strings.IndexByte(" \t\r\n\"'`#", s[0]) >= 0 || strings.HasPrefix(s, "//")
	return !known && !strings.HasPrefix(s, "/*") && wordLen(s) == 0
}

func lineLen(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

// wordLen returns the length of the word that s begins with. It takes letters of any script, so that a name that is
// written with them is reported as a whole.
func wordLen(s string) int {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// shorten quotes a text for a message, cut after 60 characters.
func shorten(s string) string {
	n := 0
	for i := range s {
		if n++; n > 60 {
			return strconv.Quote(s[:i] + "...")
		}
	}
	return strconv.Quote(s)
}
