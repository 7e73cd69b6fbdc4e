package syntax

import "unicode/utf8"

// A kind is a token's kind.
type kind int

const (
	eof      kind = iota
	word          // divide, struct, _x
	integer       // 1, -5, 0x1f
	float         // 0.5
	duration      // 2s
	str           // "..."
	arrow         // =>
	lbrace
	rbrace
	lparen
	rparen
	less
	greater
	comma
	semicolon
	colon
	equals
	question
	at
	dot
)

// symbols are the kinds that are one character.
var symbols = map[byte]kind{
	'{': lbrace, '}': rbrace, '(': lparen, ')': rparen, '<': less, '>': greater, ',': comma, ';': semicolon,
	':': colon, '=': equals, '?': question, '@': at, '.': dot,
}

// kindNames say what was expected.
var kindNames = [...]string{
	eof: "the end of the file", word: "a name", integer: "a whole number", float: "a number", duration: "a duration",
	str: "a string", arrow: `"=>"`, lbrace: `"{"`, rbrace: `"}"`, lparen: `"("`, rparen: `")"`, less: `"<"`,
	greater: `">"`, comma: `","`, semicolon: `";"`, colon: `":"`, equals: `"="`, question: `"?"`, at: `"@"`, dot: `"."`,
}

func (k kind) String() string { return kindNames[k] }

// A token is a word, a literal or a symbol, with the comments between the token before it and itself.
type token struct {
	kind     kind
	text     string
	pos      Pos
	first    bool // of its line
	bad      bool // reported by the lexer, or what stands before it was
	gap      bool // a blank line stands above it
	comments []remark
}

// A remark is a comment before it finds the node that it belongs to.
type remark struct {
	Comment
	line int
}

// end returns the place behind the token, which is on its line.
func (t *token) end() Pos {
	return Pos{Offset: t.pos.Offset + len(t.text), Line: t.pos.Line,
		Column: t.pos.Column + utf8.RuneCountInString(t.text)}
}

// quoted returns the token as messages show it.
func (t *token) quoted() string {
	switch {
	case t.kind == eof:
		return eof.String()
	case t.kind == str && len(t.text) <= 60:
		return t.text // it has quotes of its own
	}
	return shorten(t.text)
}
