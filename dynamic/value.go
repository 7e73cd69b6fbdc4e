package dynamic

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// toGo returns a value of type t as Get does.
func toGo(t *wire.ValueType, v reflect.Value) any {
	switch t.Kind {
	case wire.KindEnum:
		if name := t.EnumName(v); name != fmt.Sprint(v.Int()) {
			return name
		}
		return int32(v.Int())
	case wire.KindList:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = toGo(t.Elem, v.Index(i))
		}
		return list
	case wire.KindMap:
		m := make(map[any]any, v.Len())
		for entries := v.MapRange(); entries.Next(); {
			m[entries.Key().Interface()] = toGo(t.Elem, entries.Value())
		}
		return m
	case wire.KindStruct:
		r := v.Interface().(*wire.Record)
		if r == nil { // all of it is default
			r = wire.NewRecord(t.Type)
		}
		return (*Message)(r)
	case wire.KindUnion:
		if !t.Type.HasMember(v) {
			return nil
		}
		return (*Message)(v.Interface().(*wire.Record))
	case wire.KindBytes:
		return slices.Clone(v.Bytes()) // a default is shared by all messages
	}
	return v.Interface()
}

// setValue sets place to what v means as a value of type t.
func setValue(t *wire.ValueType, place, v reflect.Value) error {
	for v.IsValid() && (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer && v.Type() != messageType) {
		v = v.Elem()
	}
	if !v.IsValid() {
		return fmt.Errorf("want %s, not nil", describe(t))
	}
	ok := false
	switch t.Kind {
	case wire.KindStruct, wire.KindUnion:
		return setMessage(t, place, v)
	case wire.KindList:
		if v.Kind() == reflect.Slice || v.Kind() == reflect.Array {
			return setList(t, place, v)
		}
	case wire.KindMap:
		if v.Kind() == reflect.Map {
			return setMap(t, place, v)
		}
	case wire.KindEnum:
		if v.Kind() == reflect.String {
			return t.SetEnum(place, v.String())
		}
		ok = setInteger(place, v)
	case wire.KindTimestamp:
		ok = v.Type() == reflect.TypeFor[time.Time]() && set(place, v)
	case wire.KindDuration:
		ok = v.Type() == reflect.TypeFor[time.Duration]() && set(place, v)
	case wire.KindBytes:
		if ok = v.Type() == reflect.TypeFor[[]byte](); ok {
			place.SetBytes(append([]byte{}, v.Bytes()...))
		}
	case wire.KindBool, wire.KindString:
		ok = v.Kind() == place.Kind() && set(place, v.Convert(place.Type()))
	case wire.KindFloat32, wire.KindFloat64:
		ok = setFloat(place, v)
	default:
		ok = v.Type() != reflect.TypeFor[time.Duration]() && setInteger(place, v)
	}
	if !ok {
		return fmt.Errorf("%s is not %s", shown(v), describe(t))
	}
	return nil
}

var messageType = reflect.TypeFor[*Message]()

func set(place, v reflect.Value) bool {
	place.Set(v)
	return true
}

// setInteger takes every integer in the range of place, of whatever size, and floats that are integers, which is what
// package json makes of numbers.
func setInteger(place, v reflect.Value) bool {
	switch {
	case v.CanInt():
		return setInt64(place, v.Int())
	case v.CanUint():
		if place.CanUint() {
			return !place.OverflowUint(v.Uint()) && setUint64(place, v.Uint())
		}
		return v.Uint() <= math.MaxInt64 && setInt64(place, int64(v.Uint()))
	case v.CanFloat():
		x := v.Float()
		return x == math.Trunc(x) && math.Abs(x) <= 1<<53 && setInt64(place, int64(x))
	}
	return false
}

func setInt64(place reflect.Value, n int64) bool {
	if place.CanUint() {
		return n >= 0 && !place.OverflowUint(uint64(n)) && setUint64(place, uint64(n))
	}
	if place.OverflowInt(n) {
		return false
	}
	place.SetInt(n)
	return true
}

func setUint64(place reflect.Value, n uint64) bool {
	place.SetUint(n)
	return true
}

// setFloat takes floats and integers; one for a float may lose digits, but not its size.
func setFloat(place, v reflect.Value) bool {
	var x float64
	switch {
	case v.CanFloat():
		x = v.Float()
	case v.CanInt():
		x = float64(v.Int())
	case v.CanUint():
		x = float64(v.Uint())
	default:
		return false
	}
	if !math.IsInf(x, 0) && place.OverflowFloat(x) {
		return false
	}
	place.SetFloat(x)
	return true
}

func setList(t *wire.ValueType, place, v reflect.Value) error {
	for i := range v.Len() {
		err := t.Append(place, func(elem reflect.Value) error { return setValue(t.Elem, elem, v.Index(i)) })
		if err != nil {
			return inField(fmt.Sprintf("[%d]", i), err)
		}
	}
	return nil
}

func setMap(t *wire.ValueType, place, v reflect.Value) error {
	for entries := v.MapRange(); entries.Next(); {
		key, elem := t.NewEntry()
		err := setValue(t.Key, key, entries.Key())
		if err == nil {
			err = setValue(t.Elem, elem, entries.Value())
		}
		if err != nil {
			return inField(fmt.Sprintf("[%s]", shown(entries.Key())), err)
		}
		t.Put(place, key, elem)
	}
	return nil
}

// setMessage takes a message of type t, or a map with the names of its fields.
func setMessage(t *wire.ValueType, place, v reflect.Value) error {
	if v.Type() == messageType {
		m := v.Interface().(*Message)
		if m == nil || m.Record().Type() != t.Type {
			return fmt.Errorf("%s is not %s", shown(v), describe(t))
		}
		place.Set(reflect.ValueOf(m.Record()))
		return nil
	}
	if v.Kind() != reflect.Map || v.Type().Key().Kind() != reflect.String {
		return fmt.Errorf("%s is not %s", shown(v), describe(t))
	}
	if t.Kind == wire.KindUnion && v.Len() > 1 {
		return fmt.Errorf("%d members are given of %s, which holds one", v.Len(), t)
	}
	m := (*Message)(wire.NewRecord(t.Type))
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		if err := m.Set(key.String(), v.MapIndex(key).Interface()); err != nil {
			return err
		}
	}
	place.Set(reflect.ValueOf(m.Record()))
	return nil
}

// describe says what values a type has, with an article.
func describe(t *wire.ValueType) string {
	article := "a "
	if t.Kind == wire.KindInt32 {
		article = "an "
	}
	if t.Kind == wire.KindBytes {
		article = ""
	}
	return article + t.String()
}

// shown returns a value for an error, with its Go type where that alone says what is wrong.
func shown(v reflect.Value) string {
	switch {
	case v.Kind() == reflect.String:
		return rpc.Quote(v.String())
	case v.CanInt(), v.CanUint(), v.CanFloat(), v.Kind() == reflect.Bool:
		return fmt.Sprint(v.Interface())
	case v.Type() == messageType && !v.IsNil():
		return "a message of type " + v.Interface().(*Message).Record().Type().Name
	}
	return "a value of Go's type " + v.Type().String()
}

// inField says where in a message an error came up: "points[2].x: ...".
func inField(path string, err error) error {
	if e, ok := err.(*wire.JSONError); ok {
		return e.In(path)
	}
	return (&wire.JSONError{Problem: err.Error()}).In(path)
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
