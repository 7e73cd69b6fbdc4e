package syntax

import "github.com/yodelrpc/yodel/idl/diag"

// Pos is a place in the text.
type Pos = diag.Pos

// A File is one definition file. A tree may as well be built by code: positions are for diagnostics alone.
type File struct {
	Source  *diag.Source // the text; nil for a tree built by code
	Package *Package     // nil where the text has none
	Imports []*Import
	Decls   []Item    // *Enum, *Message, *Service, *Method
	Tail    []Comment // those after the last declaration
}

// A Comment is one line of comment.
type Comment struct {
	Text string // what follows the //, without white space at the end
	Gap  bool   // a blank line stands above it
}

// A Node is what every item has: a place, comments and annotations.
type Node struct {
	Pos         Pos
	Before      []Comment // the lines of comment above it; a comment in the midst of the item is moved here
	Gap         bool      // a blank line stands above it, and below the comments
	Annotations []*Annotation
	After       string // the comment at the end of its last line, as Comment.Text; empty for none
}

// An Item is an *Enum, *EnumValue, *Message, *Field, *Reserved, *Service or *Method, or at the top of a file a
// *Package or *Import.
type Item interface {
	Base() *Node
}

// Base returns the node itself: whatever embeds a Node is an Item.
func (n *Node) Base() *Node { return n }

// A Name is a word with its place; where it refers to a declaration it may be qualified: "common.Point".
type Name struct {
	Pos  Pos
	Text string
}

// A Block is what stands between braces, or between the parentheses of a method.
type Block struct {
	Open    string // the comment behind the opening brace, as Comment.Text
	Items   []Item
	Tail    []Comment // those after the last item
	OneLine bool      // print it on one line, if no comment stands in it
}

// A Package is "package acme.calc".
type Package struct {
	Node
	Name Name
}

// An Import is `import "common.yodel"`.
type Import struct {
	Node
	Path *Value // a String
}

// An Enum is "enum Rounding { HALF_EVEN = 0 }".
type Enum struct {
	Node
	Name Name
	Body Block // of *EnumValue and *Reserved
}

// An EnumValue is "HALF_EVEN = 0".
type EnumValue struct {
	Node
	Name   Name
	Number *Value // an Int
}

// A Message is a struct, a union or an exception.
type Message struct {
	Node
	Keyword string // "struct", "union" or "exception"
	Name    Name
	Body    Block // of *Field and *Reserved
}

// A Field is "2: double y = 0.5"; a parameter is one as well.
type Field struct {
	Node
	Number  *Value // an Int
	Stream  bool
	Type    *Type
	Name    Name
	Default *Value // nil for none
}

// A Reserved is "reserved 3, 7, 10 to 12".
type Reserved struct {
	Node
	Ranges []Range
}

// A Range is one number, or those from one to another, both included.
type Range struct {
	From *Value // an Int
	To   *Value // nil for one number
}

// A Service is "service Calculator { ... }".
type Service struct {
	Node
	Name Name
	Body Block // of *Method
}

// A Method is "float divide(1:int num1, 2:int num2=1) => InvalidOperation".
type Method struct {
	Node
	Stream     bool  // of the result
	Result     *Type // nil for void
	Name       Name
	Params     Block // of *Field
	Exceptions []Name
}

// An Annotation is "@timeout(2s)".
type Annotation struct {
	Name Name // without the @
	Args []*Value
}

// A Type is "int", "list<Point>", "map<string, long>", "common.Point", each perhaps followed by a question mark.
type Type struct {
	Name     Name
	Args     []*Type // of list and map
	Optional bool
}

// A Value is a literal or a word.
type Value struct {
	Pos  Pos
	Kind ValueKind // 0 for one that could not be read, which is reported
	Text string    // as written; a string with its quotes, see Quote
}

// A ValueKind tells literals apart.
type ValueKind int

// The kinds of values.
const (
	Word     ValueKind = iota + 1 // true, HALF_EVEN, invalid_argument
	Int                           // 1, -5, 0x1f
	Float                         // 0.5, -1e9
	String                        // "divided by zero"
	Duration                      // 2s, 1m30s
)
