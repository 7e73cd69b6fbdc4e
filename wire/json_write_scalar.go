package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// appendScalar appends a value of one of the kinds that can always be written.
func appendScalar(b []byte, t *ValueType, v reflect.Value) []byte {
	switch t.Kind {
	case KindBool:
		return strconv.AppendBool(b, v.Bool())
	case KindInt32:
		return strconv.AppendInt(b, v.Int(), 10)
	case KindUint32:
		return strconv.AppendUint(b, v.Uint(), 10)
	case KindInt64:
		return append(strconv.AppendInt(append(b, '"'), v.Int(), 10), '"')
	case KindUint64:
		return append(strconv.AppendUint(append(b, '"'), v.Uint(), 10), '"')
	case KindFloat32, KindFloat64:
		return appendFloat(b, v.Float(), v.Type().Bits())
	case KindBytes:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), v.Bytes()), '"')
	case KindDuration:
		return appendDuration(b, v.Int())
	default:
		return appendEnum(b, t.EnumName(v))
	}
}

// appendFloat writes the shortest digits that give the same number back, with an exponent where JavaScript has one.
func appendFloat(b []byte, x float64, bits int) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, `"NaN"`...)
	case math.IsInf(x, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(x, -1):
		return append(b, `"-Infinity"`...)
	}
	format := byte('f')
	if size := math.Abs(x); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, x, format, -1, bits)
}

func appendDuration(b []byte, nanoseconds int64) []byte {
	b = append(b, '"')
	size := uint64(nanoseconds)
	if nanoseconds < 0 {
		b, size = append(b, '-'), -size
	}
	b = strconv.AppendUint(b, size/1e9, 10)
	return append(appendNanoseconds(b, int(size%1e9)), 's', '"')
}

// appendNanoseconds appends a fraction of a second: 0, 3, 6 or 9 digits behind a point, or nothing for 0.
func appendNanoseconds(b []byte, nanoseconds int) []byte {
	if nanoseconds == 0 {
		return b
	}
	digits := 9
	for nanoseconds%1000 == 0 {
		nanoseconds /= 1000
		digits -= 3
	}
	b = append(append(b, '.'), "000000000"[:digits]...)
	for i := len(b) - 1; nanoseconds > 0; i-- {
		b[i] += byte(nanoseconds % 10)
		nanoseconds /= 10
	}
	return b
}

// appendEnum appends the name in quotes, or the number where it has none.
func appendEnum(b []byte, name string) []byte {
	if name[0] == '-' || isDigit(name[0]) {
		return append(b, name...)
	}
	return append(append(append(b, '"'), name...), '"')
}

// AppendJSONString appends s in quotes. Bytes that are not valid UTF-8 become U+FFFD.
func AppendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i, r := range s {
		if r >= ' ' && r != '"' && r != '\\' && r != utf8.RuneError {
			continue
		}
		b = append(b, s[done:i]...)
		_, size := utf8.DecodeRuneInString(s[i:])
		done = i + size
		b = appendEscape(b, r)
	}
	return append(append(b, s[done:]...), '"')
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\', utf8.RuneError:
		if r != utf8.RuneError {
			b = append(b, '\\')
		}
		return utf8.AppendRune(b, r)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
	}
}

const hexDigits = "0123456789abcdef"
