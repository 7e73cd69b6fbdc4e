package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// What may be wrong with the text of a scalar. The reader adds which text, and of which type.
var (
	errNotThat    = errors.New("is not")
	errOutOfRange = errors.New("is out of range for")
)

// scalar reads one value of the scalar type t into v.
func (r *jsonReader) scalar(t *ValueType, v reflect.Value) error {
	c := r.peek()
	start := r.pos
	text, err := r.scalarText(c)
	if err != nil {
		return err
	}
	switch err := setScalar(t, v, text, c == '"'); {
	case err == nil:
		return nil
	case err == errNotThat || err == errOutOfRange:
		r.pos = start
		return r.mismatch(err, t)
	case r.sensitive:
		r.pos = start
		return r.mismatch(errNotThat, t)
	default:
		return jsonErrorf("%v", err)
	}
}

// scalarText reads one value that is not an object or a list and returns its text, for a string what it stands for. Of
// an object or a list it returns the first byte, which is no text of a scalar.
func (r *jsonReader) scalarText(c byte) ([]byte, error) {
	switch {
	case c == '"':
		return r.string()
	case c == '-' || isDigit(c):
		return r.number()
	case c == '{' || c == '[':
		return r.data[r.pos : r.pos+1], nil
	default:
		word, err := r.word()
		return []byte(word), err
	}
}

// setScalar sets v to what text, which stood in quotes or not, is as a value of type t.
func setScalar(t *ValueType, v reflect.Value, text []byte, quoted bool) error {
	switch t.Kind {
	case KindInt32, KindInt64:
		return setInt(v, text)
	case KindUint32, KindUint64:
		return setUint(v, text)
	case KindFloat32, KindFloat64:
		return setFloat(v, string(text))
	case KindBool:
		if quoted {
			return errNotThat
		}
		return setBool(v, string(text))
	case KindEnum:
		if !quoted {
			return setInt(v, text)
		}
		return setEnum(t, v, string(text))
	}
	if !quoted {
		return errNotThat
	}
	switch t.Kind {
	case KindString:
		v.SetString(string(text))
		return nil
	case KindBytes:
		return setBytes(v, text)
	case KindTimestamp:
		return setTimestamp(v, text)
	default:
		return setDuration(v, string(text))
	}
}

func setBool(v reflect.Value, text string) error {
	if text != "true" && text != "false" {
		return errNotThat
	}
	v.SetBool(text == "true")
	return nil
}

func setInt(v reflect.Value, text []byte) error {
	negative, size, err := integer(text)
	if err != nil {
		return err
	}
	limit := uint64(1) << (v.Type().Bits() - 1)
	switch {
	case negative && size <= limit:
		v.SetInt(int64(-size))
	case size < limit:
		v.SetInt(int64(size))
	default:
		return errOutOfRange
	}
	return nil
}

func setUint(v reflect.Value, text []byte) error {
	negative, size, err := integer(text)
	if err != nil {
		return err
	}
	if negative && size > 0 || v.OverflowUint(size) {
		return errOutOfRange
	}
	v.SetUint(size)
	return nil
}

func setFloat(v reflect.Value, text string) error {
	switch text {
	case "NaN", "Infinity", "-Infinity":
	default:
		if !isNumber([]byte(text)) {
			return errNotThat
		}
	}
	x, err := strconv.ParseFloat(text, v.Type().Bits())
	if err != nil {
		return errOutOfRange
	}
	v.SetFloat(x)
	return nil
}

// setEnum takes names alone: digits in quotes are no name, whatever the enum's own method makes of them. That method's
// error says which names there are.
func setEnum(t *ValueType, v reflect.Value, name string) error {
	if name == "" || len(name) > 64 || name[0] == '+' || name[0] == '-' || isDigit(name[0]) {
		return errNotThat
	}
	return t.SetEnum(v, name)
}

// setBytes takes both alphabets of base64, padded or not. What it sets is not nil, even if it is empty. Line breaks,
// which encoding/base64 skips, are as wrong as any other byte.
func setBytes(v reflect.Value, text []byte) error {
	if bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, '\r') >= 0 {
		return errNotThat
	}
	encoding := base64.StdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if len(text)%4 != 0 {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	data, err := encoding.AppendDecode([]byte{}, text)
	if err != nil {
		return errNotThat
	}
	v.SetBytes(data)
	return nil
}

// setTimestamp takes RFC 3339 with up to nine digits behind the point and any offset.
func setTimestamp(v reflect.Value, text []byte) error {
	var t time.Time
	if t.UnmarshalText(text) != nil || !isRFC3339(text) {
		return errNotThat
	}
	if _, fraction, _ := bytes.Cut(text, []byte(".")); bytes.IndexAny(fraction, "Z+-") > 9 {
		return errNotThat
	}
	t = t.UTC()
	if !IsTimestamp(t) {
		return errOutOfRange
	}
	SetTime(v, t)
	return nil
}

// isRFC3339 reports whether text, which package time took, has two digits for the hour, a point and no comma before the
// fraction, and an offset of less than a day, which package time leaves to its callers (go.dev/issue/54580).
func isRFC3339(text []byte) bool {
	const hour, fraction = len("2006-01-02T15"), len("2006-01-02T15:04:05")
	n := len(text)
	if n <= fraction || text[hour] != ':' || text[fraction] == ',' {
		return false
	}
	return text[n-1] == 'Z' || string(text[n-len("07:00"):n-len(":00")]) < "24" && string(text[n-len("00"):]) < "60"
}

// setDuration takes seconds, with up to nine digits behind the point, and "s".
func setDuration(v reflect.Value, text string) error {
	seconds, ok := strings.CutSuffix(text, "s")
	seconds, negative := strings.CutPrefix(seconds, "-")
	if !negative {
		seconds = strings.TrimPrefix(seconds, "+")
	}
	whole, fraction, _ := strings.Cut(seconds, ".")
	switch {
	case !ok || whole+fraction == "" || !allDigits(whole) || !allDigits(fraction):
		return errNotThat
	case len(fraction) > 9 || len(whole) > 1 && whole[0] == '0':
		return errNotThat
	}
	size, err := strconv.ParseUint(whole+(fraction + "000000000")[:9], 10, 64)
	switch {
	case err != nil:
		return errOutOfRange
	case negative && size <= 1<<63:
		v.SetInt(int64(-size))
	case size < 1<<63:
		v.SetInt(int64(size))
	default:
		return errOutOfRange
	}
	return nil
}

func allDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// setKey sets v to the map key that text is. It has the form of strconv, not that of a JSON number.
func setKey(k Kind, v reflect.Value, text string) error {
	var err error
	switch k {
	case KindString:
		v.SetString(text)
	case KindBool:
		err = setBool(v, text)
	case KindInt32, KindInt64:
		var n int64
		n, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
	default:
		var n uint64
		n, err = strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
	}
	if errors.Is(err, strconv.ErrRange) {
		return errOutOfRange
	}
	if err != nil {
		return errNotThat
	}
	return nil
}

// isNumber reports whether text is one JSON number.
func isNumber(text []byte) bool {
	s := jsonScanner{data: text}
	n, err := s.number()
	return err == nil && len(n) == len(text)
}

// integer returns the sign and the size of a JSON number that is an integer, such as 12, 1e2 or 1.50e1.
func integer(text []byte) (negative bool, size uint64, err error) {
	if !isNumber(text) {
		return false, 0, errNotThat
	}
	digits, negative := bytes.CutPrefix(text, []byte("-"))
	if len(digits) > 19 || bytes.ContainsAny(digits, ".eE") {
		if digits, err = plainDigits(digits); err != nil {
			return false, 0, err
		}
	}
	size, err = strconv.ParseUint(string(digits), 10, 64)
	if err != nil {
		return false, 0, errOutOfRange
	}
	return negative, size, nil
}

// plainDigits returns the digits of a JSON number without sign once its point and its exponent are worked in.
func plainDigits(text []byte) ([]byte, error) {
	mantissa, exponentText := text, "0"
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponentText = text[:i], string(text[i+1:])
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	all := bytes.Join([][]byte{whole, fraction}, nil)
	digits := bytes.TrimRight(all, "0")
	if len(bytes.TrimLeft(digits, "0")) == 0 {
		return []byte("0"), nil
	}
	exponent, err := strconv.Atoi(exponentText)
	if err != nil { // Atoi cut it to the range of int, which is far beyond what the length of a text can make up for
		exponent = min(max(exponent, math.MinInt32), math.MaxInt32)
	}
	zeros := exponent + len(all) - len(digits) - len(fraction)
	switch {
	case zeros < 0:
		return nil, errNotThat
	case zeros > 20:
		return nil, errOutOfRange
	}
	return append(digits[:len(digits):len(digits)], bytes.Repeat([]byte("0"), zeros)...), nil
}
