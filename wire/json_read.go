package wire

import "reflect"

// UnmarshalJSON resets m and reads it from data, one object in protobuf's JSON format. Names are read as declared and
// in lowerCamelCase, 64-bit integers as numbers and strings, enums as names and numbers, bytes in both kinds of base64.
// Members that m does not have are skipped; null is as good as absent. It is an error if a member appears twice, if an
// argument that is required is absent, if messages stand more than [MaxDepth] deep in one another, or if lists, maps
// and optional fields take more than 32 MiB and 16 times len(data) in memory. Errors are of type [*JSONError].
func UnmarshalJSON(data []byte, m Message) error { return unmarshalJSON(data, m, false) }

// UnmarshalArguments is UnmarshalJSON for the arguments of a call, of which a server runs none that it does not know:
// the first argument, field or member of a union that the definition does not have is an error that names it, and the
// name that it is most like.
func UnmarshalArguments(data []byte, args Message) error { return unmarshalJSON(data, args, true) }

func unmarshalJSON(data []byte, m Message, strict bool) error {
	m.Reset()
	if t, ok := m.(*JSONText); ok {
		return t.readJSON(data)
	}
	r := jsonReader{jsonScanner: jsonScanner{data: data}, strict: strict, room: Allowance(len(data))}
	if err := r.fields(TypeOf(m), ValueOf(m)); err != nil {
		return err
	}
	return r.end()
}

// A jsonReader reads messages by their types.
type jsonReader struct {
	jsonScanner
	strict    bool // members that no type has are errors
	sensitive bool // the value being read is not for errors
	room      int  // bytes that values of no fixed number may still take: see spend
}

// fields reads an object as the message or union v.
func (r *jsonReader) fields(t *Type, v reflect.Value) error {
	var seen, given FieldSet
	err := r.object(func(name []byte) error {
		f := t.ByName(string(name))
		if f == nil && r.strict {
			return r.unknown(t, string(name))
		}
		if f == nil {
			return r.skip()
		}
		if !seen.Add(f) {
			return atField(jsonErrorf("appears twice"), f.Name)
		}
		if null, err := r.null(); null || err != nil {
			return atField(err, f.Name)
		}
		if t.Union && t.HasMember(v) {
			return jsonErrorf("has %q and another member; want at most one", f.Name)
		}
		given.Add(f)
		return atField(r.field(f, v), f.Name)
	})
	if err != nil {
		return err
	}
	if f := t.Missing(&given); f != nil {
		return errMissingArgument(f)
	}
	return nil
}

func (r *jsonReader) field(f *Field, message reflect.Value) error {
	if f.Apart() {
		if err := r.spend(&f.ValueType); err != nil {
			return err
		}
	}
	outer := r.sensitive
	r.sensitive = outer || f.Sensitive
	err := f.Fill(message, func(place reflect.Value) error { return r.value(&f.ValueType, place) })
	r.sensitive = outer
	return err
}

// value reads one value of type t into v.
func (r *jsonReader) value(t *ValueType, v reflect.Value) error {
	switch t.Kind {
	case KindList:
		return r.list(t, v)
	case KindMap:
		return r.entries(t, v)
	case KindStruct, KindUnion:
		if r.peek() != '{' {
			return r.mismatch(errNotThat, t)
		}
		return r.nested(func() error { return r.fields(t.Type, v) })
	default:
		return r.scalar(t, v)
	}
}

func (r *jsonReader) list(t *ValueType, v reflect.Value) error {
	if r.peek() != '[' {
		return r.mismatch(errNotThat, t)
	}
	return r.array(func(i int) error {
		if err := r.spend(t.Elem); err != nil {
			return err
		}
		return atIndex(t.Append(v, func(place reflect.Value) error { return r.value(t.Elem, place) }), i)
	})
}

func (r *jsonReader) entries(t *ValueType, v reflect.Value) error {
	if r.peek() != '{' {
		return r.mismatch(errNotThat, t)
	}
	return r.object(func(name []byte) error {
		if err := r.spend(t.Key, t.Elem); err != nil {
			return err
		}
		text := string(name)
		key, elem := t.NewEntry()
		if err := setKey(t.Key.Kind, key, text); err != nil {
			return jsonErrorf("key %s %v %s", r.shown(quote(text)), err, wanted(t.Key))
		}
		if err := r.value(t.Elem, elem); err != nil {
			return atKey(err, r.shown(text))
		}
		if !t.Put(v, key, elem) {
			return atKey(jsonErrorf("appears twice"), r.shown(text))
		}
		return nil
	})
}

// spend takes values of the given types from the allowance: the same as for the wire format, for the same reason.
func (r *jsonReader) spend(types ...*ValueType) error {
	for _, t := range types {
		r.room -= t.Size()
	}
	if r.room < 0 {
		return jsonErrorf("the lists take more than %d MiB and %d times the text's size in memory",
			roomBeyond>>20, roomPerByte)
	}
	return nil
}

// mismatch reads one value and returns the error that it is not of type t, or whatever else problem says.
func (r *jsonReader) mismatch(problem error, t *ValueType) error {
	found, err := r.describe()
	if err != nil {
		return err
	}
	return jsonErrorf("%s %v %s", r.shown(found), problem, wanted(t))
}

// shown returns text for an error.
func (r *jsonReader) shown(text string) string {
	if r.sensitive {
		return mask
	}
	return text
}

// wanted says what a value of type t looks like in JSON.
func wanted(t *ValueType) string {
	switch t.Kind {
	case KindInt32:
		return "an int"
	case KindBytes:
		return "bytes in base64"
	case KindTimestamp:
		return `a timestamp such as "2026-01-31T12:00:00Z"`
	case KindDuration:
		return `a duration such as "1.5s"`
	case KindMap, KindStruct:
		return "a " + t.String() + ", an object"
	case KindUnion:
		return "a " + t.String() + ", an object with one member"
	default:
		return "a " + t.String()
	}
}
