package syntax

// closes reports whether the items of a block end here: at its closing token, or where that must be missing.
func (p *parser) closes(closing kind) bool {
	switch closing {
	case rbrace:
		return p.is(rbrace) || p.beginsBraces()
	case rparen:
		return p.is(rparen) || p.is(rbrace) || p.is(arrow) || p.beginsBraces() || p.beginsMethod()
	}
	return false
}

// beginsBraces reports whether a line begins that can only be the head of a declaration with braces.
func (p *parser) beginsBraces() bool {
	if !p.tok().first || !p.is(word) || p.ahead(1).kind != word || p.ahead(2).kind != lbrace {
		return false
	}
	return isKeyword(p.tok().text)
}

// beginsMethod reports whether a line begins that looks like the head of a method.
func (p *parser) beginsMethod() bool {
	return p.tok().first && p.is(word) && p.ahead(1).kind == word && p.ahead(2).kind == lparen
}

// recover skips to where the next item of a block may begin, and makes the parser good again. The item that failed
// began at the token start.
func (p *parser) recover(start int, closing kind) {
	p.bad = false
	p.stray = nil
	for nested, angles := 0, 0; !p.is(eof); p.advance() {
		t, began := p.tok(), p.at > start
		if t.first {
			angles = 0
		}
		if nested == 0 && p.closes(closing) || began && t.first && (nested == 0 && !p.isCloser() || p.beginsBraces()) {
			return
		}
		switch t.kind {
		case lbrace, lparen:
			nested++
		case rbrace, rparen:
			nested = max(0, nested-1)
		case less:
			angles++
		case greater:
			angles = max(0, angles-1)
		case comma, semicolon:
			if nested == 0 && angles == 0 && began {
				p.advance()
				return
			}
		}
	}
}

func (p *parser) isCloser() bool { return p.is(rbrace) || p.is(rparen) || p.is(greater) }
