package wire

import (
	"cmp"
	"fmt"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// AtLeast wants a number or a duration that is not below least. NaN is.
func AtLeast[T cmp.Ordered](c *Checker, v, least T) {
	if !(v >= least) {
		c.below(fmt.Sprint(v), fmt.Sprint(least))
	}
}

// AtMost wants a number or a duration that is not above most. NaN is.
func AtMost[T cmp.Ordered](c *Checker, v, most T) {
	if !(v <= most) {
		c.above(fmt.Sprint(v), fmt.Sprint(most))
	}
}

// NotBefore wants a timestamp that is not before least.
func (c *Checker) NotBefore(v, least time.Time) {
	if v.Before(least) {
		c.below(timeText(v), timeText(least))
	}
}

// NotAfter wants a timestamp that is not after most.
func (c *Checker) NotAfter(v, most time.Time) {
	if v.After(most) {
		c.above(timeText(v), timeText(most))
	}
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (c *Checker) below(v, least string) {
	c.fail("MIN", func(masked bool) string {
		if masked {
			return "is below the minimum " + least
		}
		return "is " + v + ", below the minimum " + least
	})
}

func (c *Checker) above(v, most string) {
	c.fail("MAX", func(masked bool) string {
		if masked {
			return "is above the maximum " + most
		}
		return "is " + v + ", above the maximum " + most
	})
}

// Len wants a string of least to most characters.
func (c *Checker) Len(s string, least, most int) {
	if n := len(s); n <= most && n/utf8.UTFMax >= least {
		return // however many bytes each character takes
	}
	if n := utf8.RuneCountInString(s); n < least || n > most {
		c.count("LEN", n, "character", least, most)
	}
}

// Size wants least to most bytes.
func (c *Checker) Size(b []byte, least, most int) {
	if n := len(b); n < least || n > most {
		c.count("LEN", n, "byte", least, most)
	}
}

// Items wants a list or a map of least to most elements, which has n.
func (c *Checker) Items(n, least, most int) {
	if n < least || n > most {
		c.count("ITEMS", n, "element", least, most)
	}
}

func (c *Checker) count(reason string, n int, thing string, least, most int) {
	c.fail(reason, func(masked bool) string {
		if masked {
			return "takes " + bounds(thing, least, most)
		}
		return "has " + counted(n, thing) + ", and takes " + bounds(thing, least, most)
	})
}

func bounds(thing string, least, most int) string {
	switch {
	case most == NoMax:
		return "at least " + counted(least, thing)
	case least == most:
		return "exactly " + counted(least, thing)
	case least == 0:
		return "at most " + counted(most, thing)
	}
	return strconv.Itoa(least) + " to " + counted(most, thing)
}

func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// Match wants a string in which a pattern matches.
func (c *Checker) Match(s string, p *Pattern) {
	if !p.match(s) {
		c.fail("PATTERN", func(masked bool) string {
			no := "does not match the pattern " + p.Expr
			if masked {
				return no
			}
			return "is " + quote(s) + ", which " + no
		})
	}
}

// A Pattern is a regular expression, which is compiled when a value is first matched with it.
type Pattern struct {
	Expr string
	// Compile makes what matches. Generated code has it call regexp.MustCompile, so that programs without patterns do
	// not link that package.
	Compile func(expr string) Matcher

	once    sync.Once
	matcher Matcher
}

// A Matcher is a compiled regular expression, as [regexp.Regexp] is.
type Matcher interface {
	MatchString(s string) bool
}

func (p *Pattern) match(s string) bool {
	p.once.Do(func() { p.matcher = p.Compile(p.Expr) })
	return p.matcher.MatchString(s)
}
