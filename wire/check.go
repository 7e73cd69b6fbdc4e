package wire

import (
	"cmp"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Constrained is a message whose definition says what its values have to keep to. Generated code has the method for
// those messages alone that have constraints, at any depth.
type Constrained interface {
	Message
	// CheckConstraints tells c of each value that is not as the definition wants it.
	CheckConstraints(c *Checker)
}

// A Violation is one value that is not as the definition wants it.
type Violation struct {
	Path   string // of the value in the message: "order.items[2].name", "counts[\"a\"]"
	Reason string // the constraint: MIN, MAX, LEN, ITEMS or PATTERN
	Text   string // "is 0, below the minimum 1"; without the value where that is sensitive
}

// What one check gathers is bounded, since it travels in an error.
const (
	MaxViolations  = 32
	violationBytes = 6 << 10 // of paths and texts
	cutAt          = 1 << 10 // of one path, and of one text
)

// NoMax is the upper bound of a length that has none.
const NoMax = math.MaxInt32

// Check returns what in m is not as its definition wants it, in the order of the fields, and how many more there are
// than it gathers; nothing for a message without constraints. What is absent counts as the value that it reads as,
// unless its type is T?.
func Check(m Message) (violations []Violation, more int) { return check(m, -1) }

// CheckElement is Check for the message with an element of a stream, of which there have been index before.
func CheckElement(m Message, index int) (violations []Violation, more int) { return check(m, index) }

func check(m Message, element int) ([]Violation, int) {
	constrained, ok := m.(Constrained)
	if !ok {
		return nil, 0
	}
	c := checkers.Get().(*Checker)
	c.element = element
	constrained.CheckConstraints(c)
	violations, more := c.found, c.more
	if c.unordered {
		slices.SortStableFunc(violations, func(a, b Violation) int { return cmp.Compare(a.Path, b.Path) })
	}
	*c = Checker{path: c.path[:0]}
	checkers.Put(c)
	return violations, more
}

var checkers = sync.Pool{New: func() any { return new(Checker) }}

// A Checker is handed through a message and what it holds, to gather what is not as the definition wants it. Generated
// code says which field, or which element of it, the next value is from, and then what the value has to keep to:
//
//	c.Field("name").Len(m.Name, 1, 64)
type Checker struct {
	at        place   // of the next value
	path      []place // of the message that has it
	element   int     // of a stream; -1 in other messages
	unordered bool    // a map was checked, whose entries come in no order
	found     []Violation
	size      int  // of what was found
	more      int  // that are only counted
	full      bool // no more are kept
}

// A place is a field, or one element of it.
type place struct {
	field     string
	sensitive bool
	element   int // of a stream, from 1; 0 for a field of another message
	in        placeKind
	number    int64  // the index in a list, or a map's key that is a number
	key       string // one that is none
}

type placeKind uint8

const (
	inField placeKind = iota
	inList
	inMapOfInt
	inMapOfUint
	inMapOfText
)

// Field says that the next value is that of a field.
func (c *Checker) Field(name string) *Checker {
	c.at = place{field: name}
	return c
}

// Sensitive is Field for one whose values nobody is to see.
func (c *Checker) Sensitive(name string) *Checker {
	c.at = place{field: name, sensitive: true}
	return c
}

// Elem says that the next value is an element of the field's list.
func (c *Checker) Elem(i int) *Checker {
	c.at.in, c.at.number = inList, int64(i)
	return c
}

// Key says that the next value is what the field's map has for a key.
func Key[K comparable](c *Checker, key K) *Checker {
	c.unordered = true
	switch key := any(key).(type) {
	case string:
		c.at.in, c.at.key = inMapOfText, key
	case bool:
		c.at.in, c.at.key = inMapOfText, strconv.FormatBool(key)
	case int32:
		c.at.in, c.at.number = inMapOfInt, int64(key)
	case int64:
		c.at.in, c.at.number = inMapOfInt, key
	case uint32:
		c.at.in, c.at.number = inMapOfUint, int64(key)
	case uint64:
		c.at.in, c.at.number = inMapOfUint, int64(key)
	}
	return c
}

// Streamed says that the field holds an element of a stream.
func (c *Checker) Streamed() *Checker {
	c.at.element = c.element + 1
	return c
}

// Element returns which element of a stream the message holds, from 0; -1 for a message of anything else.
func (c *Checker) Element() int { return c.element }

// Message checks a message that is the next value.
func (c *Checker) Message(m Constrained) {
	if c.enter() {
		m.CheckConstraints(c)
		c.leave()
	}
}

// Union checks the member of a union that is the next value. check names the member as a field.
func Union[U any](c *Checker, u U, check func(*Checker, U)) {
	if c.enter() {
		check(c, u)
		c.leave()
	}
}

// CheckPointer is for what check does not know: it checks the member that u points at. All else is left to the encoder,
// which refuses it.
func CheckPointer[U any](c *Checker, u U, check func(*Checker, U)) {
	v := reflect.ValueOf(u)
	if v.IsValid() && v.Kind() == reflect.Pointer && !v.IsNil() {
		if member, ok := v.Elem().Interface().(U); ok {
			check(c, member)
		}
	}
}

// enter goes into the next value. What is nested too deep, the encoder refuses.
func (c *Checker) enter() bool {
	if len(c.path) >= MaxDepth {
		return false
	}
	c.path = append(c.path, c.at)
	return true
}

func (c *Checker) leave() { c.path = c.path[:len(c.path)-1] }

// fail notes that the next value is not as it should be. text says how; masked, without the value, for what is
// sensitive or within something that is. Behind the first violations that are kept it only counts, for a message may
// have hundreds of thousands, and to say where each is takes longer than to read it.
func (c *Checker) fail(reason string, text func(masked bool) string) {
	if c.full {
		c.more++
		return
	}
	v := Violation{Path: cut(c.where()), Reason: reason, Text: cut(text(c.sensitive()))}
	c.size += len(v.Path) + len(v.Text) + len(v.Reason)
	if len(c.found) > 0 && c.size > violationBytes { // the first is kept, or nothing would be wrong
		c.full = true
		c.more++
		return
	}
	c.found = append(c.found, v)
	c.full = len(c.found) == MaxViolations
}

// cut returns s, or its beginning where it is long: keys of maps are the sender's, and 100 deep.
func cut(s string) string {
	if len(s) <= cutAt {
		return s
	}
	return strings.ToValidUTF8(s[:cutAt], "") + "…"
}

func (c *Checker) sensitive() bool {
	return c.at.sensitive || slices.ContainsFunc(c.path, func(p place) bool { return p.sensitive })
}

// where returns the path of the next value. The keys of a sensitive map are sensitive.
func (c *Checker) where() string {
	var b []byte
	sensitive := false
	for i := range len(c.path) + 1 {
		p := &c.at
		if i < len(c.path) {
			p = &c.path[i]
		}
		if i > 0 {
			b = append(b, '.')
		}
		sensitive = sensitive || p.sensitive
		b = append(append(b, p.field...), p.within(sensitive)...)
	}
	return string(b)
}

// within returns which element of its field a place is, in brackets; nothing for the field itself.
func (p *place) within(sensitive bool) string {
	stream, key := "", ""
	if p.element > 0 {
		stream = "[" + strconv.Itoa(p.element-1) + "]"
	}
	switch {
	case p.in == inField:
		return stream
	case p.in == inList:
		return stream + "[" + strconv.FormatInt(p.number, 10) + "]"
	case sensitive:
		return stream + "[" + mask + "]"
	case p.in == inMapOfInt:
		key = strconv.FormatInt(p.number, 10)
	case p.in == inMapOfUint:
		key = strconv.FormatUint(uint64(p.number), 10)
	default:
		key = p.key
	}
	return stream + "[" + quote(key) + "]"
}
