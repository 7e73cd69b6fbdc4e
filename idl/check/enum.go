package check

import (
	"fmt"
	"math"
	"strconv"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

func (f *file) defineEnum(tree *syntax.Enum, e *schema.Enum) {
	f.noAnnotations(&tree.Node, "an enum")
	in := &scope{file: f, what: "value", owner: "the enum " + e.Name}
	in.readReserved(tree.Body.Items, math.MinInt32, math.MaxInt32)
	e.Reserved = in.reserved
	for _, item := range tree.Body.Items {
		v, ok := item.(*syntax.EnumValue)
		if !ok {
			continue
		}
		number, ok := in.number(v.Number, math.MinInt32, math.MaxInt32)
		if ok {
			in.claimNumber(v.Number, number, v.Name.Text)
		}
		in.claimName(v.Name)
		e.Values = append(e.Values, schema.EnumValue{
			Name: v.Name.Text, Number: int32(number), Doc: v.Doc(),
			Deprecated: f.deprecatedOnly(&v.Node, "an enum's value"),
		})
	}
	f.checkZero(tree, e)
}

// checkZero wants the zero value first: it is what a field reads as that was never sent.
func (f *file) checkZero(tree *syntax.Enum, e *schema.Enum) {
	if f.broken || len(e.Values) > 0 && e.Values[0].Number == 0 {
		return
	}
	pos, remedy := tree.Name.Pos, "write a first value with number 0, as in: UNKNOWN = 0"
	for _, v := range e.Values {
		if v.Number == 0 {
			remedy = "write " + v.Name + " = 0 before the other values"
		}
	}
	f.report(pos, "the first value of the enum "+e.Name+" does not have the number 0", remedy)
}

// number reads a whole number within bounds.
func (s *scope) number(v *syntax.Value, least, most int64) (int64, bool) {
	n, err := strconv.ParseInt(v.Text, 0, 64)
	if err == nil && n >= least && n <= most {
		return n, true
	}
	if v.Kind == 0 {
		return 0, false // reported by the parser
	}
	s.report(v.Pos, fmt.Sprintf("the number %s of %s is not between %d and %d", v.Text, s.owner, least, most),
		fmt.Sprintf("write %d", s.free()))
	return 0, false
}
