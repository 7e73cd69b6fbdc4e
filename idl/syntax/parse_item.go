package syntax

import "strconv"

func (p *parser) enumItem(n Node) Item {
	if p.isWord("reserved") && p.ahead(1).kind != equals {
		return p.reserved(n)
	}
	v := &EnumValue{Node: n, Name: p.name(`a value such as "RED = 0"`, "write NAME = NUMBER")}
	p.expect(equals, `"=" and a number`, "write "+v.Name.Text+" = NUMBER, the first one with 0")
	v.Number = p.literal(integer, "a whole number", "write "+v.Name.Text+" = 0")
	return v
}

func (p *parser) messageItem(n Node) Item {
	if p.isWord("reserved") {
		return p.reserved(n)
	}
	return p.field(n, "a field")
}

func (p *parser) paramItem(n Node) Item { return p.field(n, "a parameter") }

// field reads "2: double y = 0.5". What says whether it is a field or a parameter.
func (p *parser) field(n Node, what string) Item {
	switch {
	case p.is(word):
		p.fail(what+" begins with its number, found "+p.tok().quoted(), p.numberRemedy())
		return nil
	case p.is(comma), p.is(semicolon):
		p.fail("expected "+what+", found "+p.tok().quoted(), "leave it out, or write "+what+" before it")
		return nil
	}
	f := &Field{Node: n}
	f.Number = p.literal(integer, what+` such as "1: int x"`, "write NUMBER: TYPE NAME")
	p.expect(colon, `":"`, "write : between the number and the type")
	if p.is(at) && p.ahead(1).kind == word {
		name := p.ahead(1).text
		p.fail("@"+name+" stands behind the number", "write @"+name+" before the number")
	}
	if p.isWord("stream") && p.ahead(1).kind == word {
		p.advance()
		f.Stream = true
	}
	f.Type = p.fieldType()
	f.Name = p.name("a name", "write NUMBER: TYPE NAME")
	if p.accept(equals) {
		f.Default = p.value()
		if p.is(dot) && p.ahead(1).kind == word {
			p.fail(`unexpected "."`, "write the name of the value alone: "+p.ahead(1).text)
		}
	}
	return f
}

// numberRemedy says how to write the field that begins at the next token, without its number: "int x", "x int" or
// "x: int".
func (p *parser) numberRemedy() string {
	a, b := p.tok(), p.ahead(1)
	switch {
	case b.kind == colon && p.ahead(2).kind == word && p.ahead(3).kind != less:
		a, b = p.ahead(2), a
	case b.kind != word:
		return "write its number, a colon, its type and its name, as in: 1: int x"
	case p.ahead(2).kind != word && isScalar(b.text):
		a, b = b, a
	}
	return "write its number and a colon before it, as in: 1: " + a.text + " " + b.text
}

func isScalar(s string) bool {
	switch s {
	case "bool", "int", "long", "uint", "ulong", "float", "double", "string", "bytes", "timestamp", "duration":
		return true
	}
	return false
}

// fieldType reads the type of a field; words that other languages put before it are told apart from types.
func (p *parser) fieldType() *Type {
	if next := p.ahead(1).kind; p.is(word) && (next == word || next == dot) {
		switch p.tok().text {
		case "required":
			p.fail(`"required" is no word of a field`, "leave it out: a parameter without a default is required")
		case "optional":
			p.fail(`"optional" is no word of a field`, "write ? behind the type, as in: string? label")
		case "repeated":
			p.fail(`"repeated" is no word of a field`, "write list<T>, as in: list<int> nums")
		}
	}
	return p.typ()
}

// reserved reads "reserved 3, 7, 10 to 12". In a body on one line it ends where a field begins.
func (p *parser) reserved(n Node) Item {
	r := &Reserved{Node: n}
	p.advance()
	for more := true; more && !p.bad; more = p.moreReserved() {
		one := Range{From: p.literal(integer, "a number", "write reserved 3, 7, 10 to 12")}
		if p.is(integer) && !p.tok().first {
			p.fail("expected a comma or a range, found "+p.tok().quoted(), "write a range as 3 to 9")
		}
		if p.isWord("to") && p.ahead(1).kind == integer {
			p.advance()
			one.To = p.literal(integer, "a number", "write a range as 3 to 9")
		}
		r.Ranges = append(r.Ranges, one)
	}
	return r
}

// moreReserved consumes a comma, if a number follows it that is not a field's.
func (p *parser) moreReserved() bool {
	return p.is(comma) && p.ahead(1).kind == integer && p.ahead(2).kind != colon && p.accept(comma)
}

func (p *parser) serviceItem(n Node) Item {
	switch {
	case !p.is(word):
		p.fail("expected a method, found "+p.tok().quoted(), "write a method such as: float divide(1:int num1)")
		return nil
	case p.ahead(1).kind == word && p.ahead(2).kind == lbrace:
		p.fail("unexpected "+p.tok().quoted()+" in a service",
			"write the declaration of "+p.ahead(1).text+" before the service")
		return nil
	}
	return p.method(n)
}

func (p *parser) method(n Node) Item {
	m := &Method{Node: n}
	p.result(m)
	if p.is(lparen) && !p.bad {
		p.fail("the method has no result or no name", "write the type of its result, or void, and then its name")
	}
	m.Name = p.name("the method's name", "write RESULT NAME(PARAMETERS)")
	p.block(&m.Params, lparen, rparen, "write ( and ) around the parameters", p.paramItem)
	p.exceptions(m)
	return m
}

func (p *parser) result(m *Method) {
	if p.isWord("void") {
		p.advance()
		return
	}
	if p.isWord("stream") && p.ahead(1).kind == word {
		p.advance()
		m.Stream = true
		if p.isWord("void") {
			p.fail("a stream of void", "write stream and the type of its elements, or void alone")
		}
	}
	m.Result = p.typ()
}

func (p *parser) exceptions(m *Method) {
	p.foreignEnding()
	if !p.accept(arrow) {
		return
	}
	for more := true; more && !p.bad; more = p.accept(comma) {
		p.notAnException(len(m.Exceptions) > 0)
		m.Exceptions = append(m.Exceptions, p.qualified("the name of an exception", "write => NotFound, TooLarge"))
	}
}

const (
	exceptionsRemedy = "write => before the exceptions, as in: => NotFound, TooLarge"
	resultRemedy     = "write the type of the result before the method's name, as in: float divide(1:int num1)"
)

// foreignEnding reports what other languages write behind the parameters.
func (p *parser) foreignEnding() {
	t, next := p.tok(), p.ahead(1)
	thin := t.text == "->"
	switch {
	case p.bad || t.first && !thin:
	case p.isWord("throws"), p.isWord("raises"), p.is(equals), thin && !isResult(next):
		p.fail("unexpected "+t.quoted(), exceptionsRemedy)
	case p.isWord("returns"), p.is(colon), thin, isResult(t) && (next.kind != word || next.first):
		p.fail("unexpected "+t.quoted(), resultRemedy)
	}
}

// notAnException reports a type or a method in a list of exceptions; listed says whether a comma stands before it.
func (p *parser) notAnException(listed bool) {
	t, next := p.tok(), p.ahead(1)
	switch {
	case listed && p.is(word) && (next.kind == word && !next.first || next.kind == less || next.kind == question):
		p.fail("expected the name of an exception, found a method", `write ";" instead of "," before `+t.quoted())
	case isResult(t):
		p.fail(t.text+" is a type, not an exception", resultRemedy)
	}
}

// isResult reports whether a token is a word that can only be a type.
func isResult(t *token) bool {
	return t.kind == word && (isScalar(t.text) || t.text == "void" || t.text == "list" || t.text == "map")
}

// annotations reads those that stand before an item.
func (p *parser) annotations() []*Annotation {
	var all []*Annotation
	for p.accept(at) {
		if p.tok().first {
			p.failExpected("an annotation's name", "write @idempotent")
		}
		a := &Annotation{Name: p.name("an annotation's name", "write @idempotent")}
		if p.accept(lparen) {
			for more := !p.is(rparen); more && !p.bad; more = p.accept(comma) {
				a.Args = append(a.Args, p.value())
			}
			p.expect(rparen, `")"`, "write ) behind the annotation's value")
		}
		all = append(all, a)
	}
	return all
}

func (p *parser) name(what, remedy string) Name {
	t := p.expect(word, what, remedy)
	return Name{Pos: t.pos, Text: t.text}
}

// qualified reads a name that may have points in it.
func (p *parser) qualified(what, remedy string) Name {
	n := p.name(what, remedy)
	for p.accept(dot) {
		if p.tok().first {
			p.failExpected("a name behind the point", "write acme.calc")
		}
		n.Text += "." + p.name("a name behind the point", "write acme.calc").Text
	}
	return n
}

func (p *parser) typ() *Type { return p.typeAt(1) }

func (p *parser) typeAt(depth int) *Type {
	t := &Type{Name: p.qualified("a type", "write one such as int, string, list<int> or the name of a struct")}
	if p.is(less) && depth >= MaxDepth {
		p.fail("types nest deeper than "+strconv.Itoa(MaxDepth), "wrap the inner ones in a struct")
	}
	if p.accept(less) {
		for more := true; more && !p.bad; more = p.accept(comma) {
			t.Args = append(t.Args, p.typeAt(depth+1))
		}
		if t.Name.Text == "map" && len(t.Args) == 1 && p.is(word) {
			p.failExpected(`","`, "write map<string, int>")
		}
		p.expect(greater, `">"`, "write > to close the < of "+shorten(t.Name.Text))
	}
	t.Optional = p.accept(question)
	if t.Optional && p.is(question) {
		p.fail("a type is optional once", "write one ? alone")
	}
	return t
}

// value reads a literal or a word, which stands on the line of what is before it.
func (p *parser) value() *Value {
	if v := newValue(p.tok()); !p.bad && v.Text != "" && !p.tok().first {
		p.advance()
		return v
	}
	if !p.bad {
		p.failExpected("a value", `write a number, a "string", true, false, or an enum's value`)
	}
	return &Value{}
}

// newValue returns what a token is as a value, one without text if it is none.
func newValue(t *token) *Value {
	v := &Value{Pos: t.pos, Text: t.text}
	switch t.kind {
	case word:
		v.Kind = Word
	case integer:
		v.Kind = Int
	case float:
		v.Kind = Float
	case str:
		v.Kind = String
	case duration:
		v.Kind = Duration
	default:
		return &Value{}
	}
	if t.bad {
		v.Kind = 0
	}
	return v
}

// literal reads a value of one kind of token.
func (p *parser) literal(k kind, what, remedy string) *Value {
	t := p.expect(k, what, remedy)
	if p.bad {
		return &Value{}
	}
	return newValue(&t)
}
