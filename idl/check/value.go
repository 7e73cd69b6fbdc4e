package check

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/idl/syntax"
)

// value finds out what a field's default means; nil if it does not fit the type, which is reported then.
func (f *file) value(t *schema.Type, tree *syntax.Field) *schema.Value {
	v := tree.Default
	value, remedy := f.literal(t, v)
	if value == nil {
		f.report(v.Pos, fmt.Sprintf("the default %s does not fit the type %s", v.Text, tree.Type), remedy)
	}
	return value
}

// literal finds out what a literal means as a value of a type; nil with what to write instead if it is none.
func (f *file) literal(t *schema.Type, v *syntax.Value) (value *schema.Value, remedy string) {
	switch t.Kind {
	case schema.Bool:
		return boolValue(v), "write true or false"
	case schema.Int, schema.Long:
		return intValue(v, bits(t.Kind))
	case schema.Uint, schema.Ulong:
		return uintValue(v, bits(t.Kind))
	case schema.Float, schema.Double:
		return floatValue(v, bits(t.Kind))
	case schema.String:
		return stringValue(v)
	case schema.Bytes:
		return bytesValue(v), `write a string, with \xHH for a byte that is no character: "\x00\xff"`
	case schema.Timestamp:
		return timeValue(v), `write a time as RFC 3339 has it: "2006-01-02T15:04:05Z"`
	case schema.Duration:
		return durationValue(v), "write a duration such as 2s, 1m30s or 250ms, at most 292 years"
	case schema.EnumType:
		return f.enumValue(t.Enum, v)
	}
	return nil, "leave it out"
}

func bits(k schema.Kind) int {
	switch k {
	case schema.Long, schema.Ulong, schema.Double:
		return 64
	}
	return 32
}

func boolValue(v *syntax.Value) *schema.Value {
	if v.Kind != syntax.Word || v.Text != "true" && v.Text != "false" {
		return nil
	}
	return &schema.Value{Bool: v.Text == "true"}
}

func intValue(v *syntax.Value, bits int) (*schema.Value, string) {
	n, err := strconv.ParseInt(v.Text, 0, bits)
	if v.Kind != syntax.Int || err != nil {
		limit := int64(math.MaxInt64) >> (64 - bits)
		return nil, fmt.Sprintf("write a whole number from %d to %d", -limit-1, limit)
	}
	return &schema.Value{Int: n}, ""
}

func uintValue(v *syntax.Value, bits int) (*schema.Value, string) {
	n, err := strconv.ParseUint(v.Text, 0, bits)
	if v.Kind != syntax.Int || err != nil {
		return nil, fmt.Sprintf("write a whole number from 0 to %d", uint64(math.MaxUint64)>>(64-bits))
	}
	return &schema.Value{Uint: n}, ""
}

// floatValue takes whole numbers as well. The sign of a zero is kept.
func floatValue(v *syntax.Value, bits int) (*schema.Value, string) {
	text := v.Text
	if strings.Contains(text, "0x") {
		text += "p0" // how a hexadecimal float ends
	}
	x, err := strconv.ParseFloat(text, bits)
	if v.Kind != syntax.Int && v.Kind != syntax.Float || err != nil {
		return nil, fmt.Sprintf("write a number such as 0.5 or 1e9 that %d bits hold", bits)
	}
	return &schema.Value{Float: x}, ""
}

func stringValue(v *syntax.Value) (*schema.Value, string) {
	s, err := v.Unquote()
	switch {
	case v.Kind != syntax.String || err != nil:
		return nil, "write it in double quotes: " + syntax.Quote(v.Text)
	case !utf8.ValidString(s):
		return nil, `write UTF-8, with \uHHHH for a character, or make the field's type bytes`
	}
	return &schema.Value{String: s}, ""
}

func bytesValue(v *syntax.Value) *schema.Value {
	s, err := v.Unquote()
	if v.Kind != syntax.String || err != nil {
		return nil
	}
	return &schema.Value{Bytes: []byte(s)}
}

// timeValue takes the years that protobuf's timestamps have, 1 to 9999.
func timeValue(v *syntax.Value) *schema.Value {
	s, err := v.Unquote()
	if v.Kind != syntax.String || err != nil {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return nil
	}
	return &schema.Value{Time: t.UTC()}
}

func durationValue(v *syntax.Value) *schema.Value {
	d, err := time.ParseDuration(v.Text)
	if v.Kind != syntax.Duration && v.Text != "0" || err != nil {
		return nil
	}
	return &schema.Value{Duration: d}
}

func (f *file) enumValue(e *schema.Enum, v *syntax.Value) (*schema.Value, string) {
	if v.Kind == syntax.Word {
		for i := range e.Values {
			if e.Values[i].Name == v.Text {
				return &schema.Value{Enum: &e.Values[i]}, ""
			}
		}
	}
	best := f.nearest(v.Text)
	for _, one := range e.Values {
		best.try(one.Name, one.Name)
		if v.Text == strconv.Itoa(int(one.Number)) {
			best.found = one.Name
			break
		}
	}
	if best.found == "" && len(e.Values) > 0 {
		best.found = e.Values[0].Name
	}
	return nil, "write one of the names of the enum " + e.Name + ", such as " + best.found
}
