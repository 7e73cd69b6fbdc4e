package syntax

import "strconv"

// A stage is how far the parser has come in the order of a file: package, imports, declarations.
type stage int

const (
	atStart stage = iota
	atImports
	atDecls
)

// file reads the whole text.
func (p *parser) file() *File {
	f := &File{Source: p.source}
	var all Block
	p.items(&all, eof, p.topItem)
	f.Tail = all.Tail
	for _, item := range all.Items {
		switch item := item.(type) {
		case *Package:
			f.Package = item
		case *Import:
			f.Imports = append(f.Imports, item)
		default:
			f.Decls = append(f.Decls, item)
		}
	}
	return f
}

func (p *parser) topItem(n Node) Item {
	if !p.is(word) {
		p.notADeclaration()
		return nil
	}
	switch p.tok().text {
	case "package":
		return p.packageClause(n)
	case "import":
		return p.importClause(n)
	}
	if p.noDeclaration() {
		return nil
	}
	p.stage = atDecls
	keyword := p.tok().text
	if ours, ok := foreign[keyword]; ok && p.ahead(1).kind == word && p.ahead(2).kind == lbrace {
		p.complain(p.tok().pos, "unexpected "+p.tok().quoted(), "write "+ours+" "+p.ahead(1).text+" { ... }")
		keyword = ours
	}
	switch keyword {
	case "enum":
		return p.enum(n)
	case "struct", "union", "exception":
		return p.message(n, keyword)
	case "service":
		return p.service(n)
	}
	return p.method(n)
}

// foreign are words with which other languages declare things, and ours for them.
var foreign = map[string]string{
	"message": "struct", "type": "struct", "class": "struct", "record": "struct", "table": "struct",
	"interface": "service", "oneof": "union", "variant": "union", "error": "exception",
}

// others are words with which lines of other languages begin that have no counterpart, and what to do with them.
var others = map[string]string{
	"syntax": "leave it out", "edition": "leave it out", "option": "leave it out", "namespace": "write package",
	"include": `write import "common.yodel"`, "using": `write import "common.yodel"`,
	"typedef": "leave it out, and write the type where its new name stands",
	"const":   "leave it out, or write an enum", "extend": "write the fields into the struct itself",
}

// noDeclaration reports a line that begins as in other languages, or with a word that is unknown before braces.
func (p *parser) noDeclaration() bool {
	t, name := p.tok(), p.ahead(1)
	remedy, known := others[t.text]
	switch {
	case known && p.ahead(2).kind != lparen && name.kind != lparen:
	case isKeyword(t.text) || isResult(t):
		return false
	case name.kind == equals:
		remedy = "leave it out, since there are no options and no constants"
	case name.kind == word && p.ahead(2).kind == lbrace && foreign[t.text] == "":
		remedy = "write enum, struct, union, exception or service before " + name.text
	default:
		return false
	}
	p.fail("unexpected "+t.quoted(), remedy)
	return true
}

func isKeyword(s string) bool {
	switch s {
	case "enum", "struct", "union", "exception", "service":
		return true
	}
	return false
}

func (p *parser) notADeclaration() {
	remedy := "write enum, struct, union, exception, service, or a method such as: float divide(1:int num1)"
	switch p.tok().kind {
	case rbrace, rparen:
		remedy = "leave it out, or write before it what it closes"
	case integer:
		remedy = "write a field between the braces of a struct"
	}
	p.fail("expected a declaration, found "+p.tok().quoted(), remedy)
}

func (p *parser) packageClause(n Node) Item {
	if p.stage != atStart {
		p.complain(n.Pos, "package stands before everything else, and once", "write it in the first line")
	}
	p.stage = max(p.stage, atImports)
	p.advance()
	return &Package{Node: n, Name: p.qualified("the package's name", "write package calc")}
}

func (p *parser) importClause(n Node) Item {
	if p.stage == atDecls {
		p.complain(n.Pos, "import stands before the declarations", "write it below the package, or in the first line")
	}
	p.stage = max(p.stage, atImports)
	p.advance()
	i := &Import{Node: n, Path: p.literal(str, "the path of a file in quotes", `write import "common.yodel"`)}
	if p.isWord("as") && !p.tok().first {
		p.fail(`unexpected "as"`, "leave it out: what is imported is named with its package, as in: common.Point")
	}
	return i
}

func (p *parser) enum(n Node) Item {
	p.advance()
	e := &Enum{Node: n, Name: p.name("the enum's name", "write enum Color { RED = 0 }")}
	p.block(&e.Body, lbrace, rbrace, "write { and } around the values", p.enumItem)
	return e
}

func (p *parser) message(n Node, keyword string) Item {
	p.advance()
	m := &Message{Node: n, Keyword: keyword}
	m.Name = p.name("the name of the "+keyword, "write "+keyword+" Point { 1: double x }")
	p.block(&m.Body, lbrace, rbrace, "write { and } around the fields", p.messageItem)
	return m
}

func (p *parser) service(n Node) Item {
	p.advance()
	s := &Service{Node: n, Name: p.name("the service's name", "write service Calculator { ... }")}
	p.block(&s.Body, lbrace, rbrace, "write { and } around the methods", p.serviceItem)
	s.Body.OneLine = len(s.Body.Items) == 0 && s.Body.OneLine
	return s
}

// block reads items between an opening and a closing token.
func (p *parser) block(b *Block, opening, closing kind, remedy string, read itemParser) {
	if opening == lbrace && p.is(equals) {
		p.fail(`unexpected "="`, "leave it out")
	}
	open := p.expect(opening, opening.String(), remedy)
	if p.bad {
		return
	}
	b.Open = p.takeAfter()
	p.items(b, closing, read)
	end := p.expect(closing, closing.String(), "write "+closing.String()+" to close the "+opening.String()+" in line "+
		strconv.Itoa(open.pos.Line))
	empty := len(b.Items) == 0 && len(b.Tail) == 0 && b.Open == ""
	b.OneLine = empty || end.pos.Line == open.pos.Line
}
