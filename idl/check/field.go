package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// fields reads the fields of a struct or exception, the members of a union, or parameters.
func (s *scope) fields(items []syntax.Item) (fields []*schema.Field, reserved []int) {
	s.readReserved(items, 1, schema.MaxNumber)
	for _, item := range items {
		if tree, ok := item.(*syntax.Field); ok {
			fields = append(fields, s.field(tree))
		}
	}
	return fields, s.reserved
}

// inOrder sorts fields by their numbers. What is generated from them has an order that means something (arguments, the
// fields of a struct), and the numbers are what a change keeps: so moving a line of a definition changes no program.
func inOrder(fields []*schema.Field) []*schema.Field {
	slices.SortStableFunc(fields, func(a, b *schema.Field) int { return cmp.Compare(a.Number, b.Number) })
	return fields
}

func (s *scope) field(tree *syntax.Field) *schema.Field {
	f := &schema.Field{Name: tree.Name.Text, Doc: tree.Doc()}
	s.places[f] = tree.Name.Pos
	f.Number = s.fieldNumber(tree)
	if s.swapped(tree) {
		return f
	}
	s.claimName(tree.Name)
	if s.exception && fold(f.Name) == "error" {
		s.report(tree.Name.Pos, "an exception cannot have a field named "+f.Name+
			", since errors have a method of that name",
			"write message or reason")
	}
	s.fieldAnnotations(tree, f)
	f.Type = s.typ(tree.Type)
	s.checkStream(tree, f)
	s.checkMember(tree, f)
	s.fieldDefault(tree, f)
	s.constrain(tree, f)
	if f.Type != nil {
		list := f.Type.Kind == schema.List || f.Type.Kind == schema.Map
		f.Required = s.what == "parameter" && tree.Default == nil && !f.Type.Optional && !list && !tree.Stream
	}
	return f
}

// swapped reports "num1 int" in place of "int num1".
func (s *scope) swapped(tree *syntax.Field) bool {
	_, isType := scalars[tree.Name.Text]
	first := tree.Type.Name.Text
	if !isType || len(tree.Type.Args) > 0 || isBuiltin(first) || first == "" || unicode.IsUpper(rune(first[0])) ||
		strings.Contains(first, ".") || foreign[first] != "" {
		return false
	}
	s.report(tree.Type.Name.Pos, fmt.Sprintf("the type stands before the name, not %s %s", first, tree.Name.Text),
		fmt.Sprintf("write %s %s", tree.Name.Text, first))
	return true
}

func (s *scope) fieldNumber(tree *syntax.Field) int {
	n, ok := s.number(tree.Number, 1, schema.MaxNumber)
	if !ok {
		return 0
	}
	if isProtobufs(n) {
		s.report(tree.Number.Pos, fmt.Sprintf("the number %d is one of those that protobuf keeps for itself, %d to %d",
			n, protobufFirst, protobufLast), fmt.Sprintf("write one below %d", protobufFirst))
	} else if n > schema.MaxBasicNumber {
		s.warn(tree.Number.Pos, fmt.Sprintf("the basic protocol carries numbers up to %d, and this is %d",
			schema.MaxBasicNumber, n), "write a lower one if programs are to use the basic protocol")
	}
	s.claimNumber(tree.Number, n, tree.Name.Text)
	return int(n)
}

func (s *scope) checkStream(tree *syntax.Field, f *schema.Field) {
	switch {
	case !tree.Stream:
	case s.what != "parameter":
		s.report(tree.Type.Name.Pos, "a "+s.what+" cannot be a stream", "write list<"+tree.Type.String()+">")
	case f.Type != nil && f.Type.Optional:
		s.report(tree.Type.Name.Pos, "the elements of a stream are not optional", "leave the ? out, or stream a struct")
	}
}

// checkMember says what a member of a union cannot be.
func (s *scope) checkMember(tree *syntax.Field, f *schema.Field) {
	if !s.union || f.Type == nil {
		return
	}
	switch {
	case f.Type.Kind == schema.List || f.Type.Kind == schema.Map:
		s.report(tree.Type.Name.Pos, fmt.Sprintf("a union's member cannot be a %s", tree.Type.Name.Text),
			fmt.Sprintf("wrap it in a struct: struct %s { 1: %s items }", typeName(f.Name), tree.Type))
	case f.Type.Optional:
		s.report(tree.Type.Name.Pos, "a union's member is not optional, since only one of them is there anyway",
			"leave the ? out")
	}
}

func (s *scope) fieldDefault(tree *syntax.Field, f *schema.Field) {
	if tree.Default == nil || tree.Default.Kind == 0 || f.Type == nil {
		return
	}
	at := tree.Default.Pos
	switch kind := f.Type.Kind; {
	case tree.Stream:
		s.report(at, "a stream has no default", "leave the default out")
	case s.union:
		s.report(at, "a union's member has no default", "leave the default out")
	case f.Type.Optional:
		s.report(at, "an optional "+s.what+" has no default, since its absence means something",
			"leave either the ? or the default out")
	case kind == schema.List || kind == schema.Map:
		s.report(at, "a "+tree.Type.Name.Text+" has no default", "leave it out: what is absent is empty")
	case kind == schema.StructType || kind == schema.UnionType:
		s.report(at, fmt.Sprintf("the type %s takes no default", tree.Type),
			"leave it out, or write ? behind the type to tell whether it is there")
	default:
		f.Default = s.value(f.Type, tree)
	}
}
