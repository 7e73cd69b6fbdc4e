package wire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// types holds every Type that was asked for, by Go type. A type gets there together with all types that it leads to.
var types sync.Map

func typeOf(g reflect.Type) *Type {
	if t, ok := types.Load(g); ok {
		return t.(*Type)
	}
	b := builder{}
	b.message(g)
	for g, t := range b {
		types.LoadOrStore(g, t)
	}
	t, _ := types.Load(g)
	return t.(*Type)
}

// A builder makes Types of Go types. It holds those made so far, since types may lead back to themselves.
type builder map[reflect.Type]*Type

func (b builder) message(g reflect.Type) *Type {
	if t, ok := b[g]; ok {
		return t
	}
	t := &Type{Name: g.Name(), Go: g, Union: g.Kind() == reflect.Interface}
	b[g] = t
	if t.Union {
		b.members(t)
	} else {
		b.fields(t)
	}
	slices.SortFunc(t.Fields, func(x, y Field) int { return x.Number - y.Number })
	t.index()
	return t
}

// fields adds the fields of a struct.
func (b builder) fields(t *Type) {
	message, ok := reflect.New(t.Go).Interface().(Message)
	if !ok {
		panic(fmt.Sprintf("wire: %v was not generated from a definition: *%v is not a Message", t.Go, t.Go))
	}
	message.Reset()
	defaults := reflect.ValueOf(message).Elem()
	for i := range t.Go.NumField() {
		if tag, ok := t.Go.Field(i).Tag.Lookup("yodel"); ok {
			f := b.field(t.Go.Field(i), tag)
			f.goPath, f.Default = i, defaults.Field(i)
			t.Fields = append(t.Fields, f)
		}
	}
}

// members adds the members of a union. Its interface has one method, which seals it; the method's parameters are the
// wrappers.
func (b builder) members(t *Type) {
	if t.Go.NumMethod() != 1 {
		panic(fmt.Sprintf("wire: %v is not a union: it does not have one method", t.Go))
	}
	seal := t.Go.Method(0).Type
	for i := range seal.NumIn() {
		wrapper := seal.In(i)
		f := b.field(wrapper.Field(0), wrapper.Field(0).Tag.Get("yodel"))
		f.member, f.Default = wrapper, reflect.New(f.Go).Elem()
		f.Reset(f.Default)
		t.Fields = append(t.Fields, f)
	}
}

func (b builder) field(g reflect.StructField, tag string) Field {
	parts := strings.Split(tag, ",")
	number, err := strconv.Atoi(parts[0])
	if err != nil || len(parts) < 2 {
		panic(fmt.Sprintf("wire: field %s has the tag yodel:%q; want a number and a name", g.Name, tag))
	}
	f := Field{
		Number:    number,
		Name:      parts[1],
		JSONName:  jsonName(parts[1]),
		Required:  slices.Contains(parts[2:], "required"),
		Sensitive: slices.Contains(parts[2:], "sensitive"),
		Optional:  g.Type.Kind() == reflect.Pointer,
	}
	goType := g.Type
	if f.Optional {
		goType = g.Type.Elem()
	}
	f.ValueType = b.valueType(goType)
	return f
}

func (b builder) valueType(g reflect.Type) ValueType {
	t := ValueType{Kind: kindOf(g), Go: g}
	switch t.Kind {
	case KindList:
		t.Elem = new(b.valueType(g.Elem()))
	case KindMap:
		t.Key, t.Elem = new(b.valueType(g.Key())), new(b.valueType(g.Elem()))
	case KindStruct, KindUnion:
		t.Type = b.message(g)
	}
	return t
}

func kindOf(g reflect.Type) Kind {
	switch g {
	case reflect.TypeFor[time.Time]():
		return KindTimestamp
	case reflect.TypeFor[time.Duration]():
		return KindDuration
	case reflect.TypeFor[[]byte]():
		return KindBytes
	}
	if g.Kind() == reflect.Int32 && g != reflect.TypeFor[int32]() {
		return KindEnum
	}
	kind, ok := kinds[g.Kind()]
	if !ok {
		panic(fmt.Sprintf("wire: %v is not the Go type of any type of a definition", g))
	}
	return kind
}

var kinds = map[reflect.Kind]Kind{
	reflect.Bool:      KindBool,
	reflect.Int32:     KindInt32,
	reflect.Int64:     KindInt64,
	reflect.Uint32:    KindUint32,
	reflect.Uint64:    KindUint64,
	reflect.Float32:   KindFloat32,
	reflect.Float64:   KindFloat64,
	reflect.String:    KindString,
	reflect.Slice:     KindList,
	reflect.Map:       KindMap,
	reflect.Struct:    KindStruct,
	reflect.Interface: KindUnion,
}

// index fills what is derived from the sorted fields. Where one field's name is another's JSON name, JSON's goes first.
func (t *Type) index() {
	t.byName = make(map[string]*Field, 2*len(t.Fields))
	jsonNames := make(map[string]*Field, len(t.Fields))
	for i := range t.Fields {
		f := &t.Fields[i]
		f.index = i
		t.required = t.required || f.Required
		t.byName[f.Name] = f
		jsonNames[f.JSONName] = f
	}
	maps.Copy(t.byName, jsonNames)
}

// jsonName returns protobuf's JSON name of a field: underscores go, and the letters after them become capitals.
func jsonName(name string) string {
	var b strings.Builder
	capital := false
	for _, c := range []byte(name) {
		if capital && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if capital = c == '_'; !capital {
			b.WriteByte(c)
		}
	}
	return b.String()
}
