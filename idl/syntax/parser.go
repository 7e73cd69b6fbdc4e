package syntax

import "github.com/yodelrpc/yodel/idl/diag"

// A parser reads tokens by recursive descent. The first error in an item makes the parser bad: it reports and consumes
// nothing more until the loop over items finds the start of the next one.
type parser struct {
	source *diag.Source
	tokens []token
	at     int // of the next token
	bad    bool
	stage  stage
	stray  []remark // comments found in the midst of the item
	diags  *diag.List
}

func (p *parser) tok() *token { return p.ahead(0) }

// ahead returns the token n places after the next one.
func (p *parser) ahead(n int) *token { return &p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *parser) is(k kind) bool { return p.tok().kind == k }

func (p *parser) isWord(text string) bool { return p.is(word) && p.tok().text == text }

// line returns the line of the last token consumed.
func (p *parser) line() int {
	if p.at == 0 {
		return 0
	}
	return p.tokens[p.at-1].pos.Line
}

// advance consumes a token. Comments before it that nobody took belong to the item around.
func (p *parser) advance() *token {
	t := p.tok()
	p.stray = append(p.stray, t.comments...)
	t.comments = nil
	if t.kind != eof {
		p.at++
	}
	return t
}

// accept consumes a token if it is of the kind.
func (p *parser) accept(k kind) bool {
	if p.bad || !p.is(k) {
		return false
	}
	p.advance()
	return true
}

// expect consumes a token of the kind or reports that it is not there. After an error it does nothing.
func (p *parser) expect(k kind, what, remedy string) token {
	if p.bad {
		return token{}
	}
	if p.is(k) {
		return *p.advance()
	}
	p.failExpected(what, remedy)
	return token{}
}

// failExpected reports that something else follows than what was expected. Where the line ends before that, the place
// is its end.
func (p *parser) failExpected(what, remedy string) {
	t := p.tok()
	if t.bad {
		p.bad = true
		return
	}
	pos, found := t.pos, t.quoted()
	if t.first && p.at > 0 {
		pos = p.tokens[p.at-1].end()
		if t.kind != eof {
			found = "the end of the line"
		}
	}
	p.complain(pos, "expected "+what+", found "+found, remedy)
	p.bad = true
}

// fail reports an error at the next token, unless the item already has one.
func (p *parser) fail(message, remedy string) {
	p.complain(p.tok().pos, message, remedy)
	p.bad = true
}

// complain reports an error that does not keep the item from being read on. Of what the lexer has reported it says
// nothing more.
func (p *parser) complain(pos Pos, message, remedy string) {
	if reported := p.tok().bad && !p.tok().first; !p.bad && !reported {
		p.diags.Add(p.source.At(pos, message, remedy))
	}
}

// takeAfter takes the comment at the end of the line of the last token consumed.
func (p *parser) takeAfter() string {
	t := p.tok()
	if len(t.comments) == 0 || t.comments[0].line != p.line() {
		return ""
	}
	text := t.comments[0].Text
	t.comments = t.comments[1:]
	return text
}

// takeBefore takes the comments above the next token. At the start of a block no blank line counts.
func (p *parser) takeBefore(start bool) (before []Comment, gap bool) {
	t := p.tok()
	for _, c := range t.comments {
		before = append(before, c.Comment)
	}
	t.comments = nil
	gap = t.gap
	if start && len(before) > 0 {
		before[0].Gap = false
	} else if start {
		gap = false
	}
	return before, gap
}

// An itemParser reads one item, whose comments the node holds already, and returns nil if it cannot.
type itemParser func(Node) Item

// items reads items up to the closing token, which it leaves, and whatever stands between them.
func (p *parser) items(block *Block, closing kind, read itemParser) {
	outer := p.stray
	p.stray = nil
	for !p.is(eof) && !p.closes(closing) {
		start := p.at
		n := Node{Pos: p.tok().pos}
		n.Before, n.Gap = p.takeBefore(len(block.Items) == 0)
		n.Annotations = p.annotations()
		item := read(n)
		p.finish(item, closing)
		if p.bad {
			p.recover(start, closing)
		} else if item != nil {
			block.Items = append(block.Items, item)
		}
	}
	block.Tail, _ = p.takeBefore(len(block.Items) == 0)
	p.stray = outer
}

// finish reads what may follow an item on its line, and gives it the comments that are left.
func (p *parser) finish(item Item, closing kind) {
	if p.bad || item == nil {
		return
	}
	n := item.Base()
	n.After = p.takeAfter()
	separated := p.accept(semicolon) || closing != eof && p.accept(comma)
	if more := p.takeAfter(); n.After != "" && more != "" {
		n.After += " //" + more
	} else {
		n.After += more
	}
	for i, c := range p.stray {
		c.Gap = i == 0 && n.Gap
		n.Before = append(n.Before, c.Comment)
	}
	n.Gap = n.Gap && len(p.stray) == 0
	p.stray = nil
	if !separated && !p.tok().first && !p.is(eof) && !p.closes(closing) {
		p.separatorMissing(closing)
	}
}

func (p *parser) separatorMissing(closing kind) {
	switch {
	case closing == eof && p.isCloser():
		p.fail("unexpected "+p.tok().quoted(), "leave it out, or write before it what it closes")
		return
	case closing == eof:
		p.fail("expected a new line, found "+p.tok().quoted(), "write it on a line of its own")
		return
	}
	remedy := "write a comma before " + p.tok().quoted()
	if p.is(dot) || p.is(colon) {
		remedy = "leave it out"
	}
	p.fail("expected a comma or a new line, found "+p.tok().quoted(), remedy)
}
