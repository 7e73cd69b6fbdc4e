package rpc

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/wire"
)

// What an error carries is bounded on both sides: a server leaves off what is over it, with a line in its log, and a
// client ignores it. A detail counts with its full name, its content, and what mux needs to say how long these are.
const (
	MaxDetails     = 16      // of one error
	MaxDetailBytes = 8 << 10 // of all its details
	maxDetailName  = 256
	detailHead     = 5
)

// A DetailMessage is a message that an [Error] can carry: a struct or an exception of a definition, generated or of
// package dynamic.
type DetailMessage interface {
	Message
	YodelName() string // the full name, "calc.Quota", by which the receiver knows the type
}

// A DetailFormat is how the content of a detail is written. The numbers are those of mux.
type DetailFormat uint8

// The formats.
const (
	DetailWire DetailFormat = 1 // protobuf's wire format
	DetailJSON DetailFormat = 2
)

// A Detail is a message that an [Error] carries beside its code and text. One that came over a network is a name and
// bytes, and is decoded when somebody asks for it, so that types which this program does not know can be passed on as
// they are. A Detail does not change; many goroutines may use one at once.
type Detail struct {
	name    string
	message DetailMessage // of one made here; nil for one that came over a network, which has the other two
	format  DetailFormat
	content []byte
}

// Name returns the full name of the message's type: "calc.Quota".
func (d Detail) Name() string { return d.name }

// Encoded returns the content as it came over a network or as [Error.EncodeDetails] made it; nil for a detail that is
// neither. Nobody changes the bytes.
func (d Detail) Encoded() (DetailFormat, []byte) { return d.format, d.content }

// Decode reads the detail into a message of its type. It fails where the message is of another type, or the content
// cannot be read.
func (d Detail) Decode(into DetailMessage) error {
	if name := into.YodelName(); name != d.name {
		return fmt.Errorf("the detail is a %s and not a %s", d.name, name)
	}
	content := d.content
	switch {
	case d.message != nil:
		var err error
		if content, err = wire.Marshal(d.message); err != nil {
			return fmt.Errorf("the detail %s cannot be written: %w", d.name, err)
		}
	case d.format == DetailJSON:
		return wire.UnmarshalJSON(content, into)
	}
	return wire.Unmarshal(content, into)
}

// String returns the name and the content, with *** in place of what is sensitive. Of a detail that came over a network
// it tells the size alone, since only the type says what in it is sensitive.
func (d Detail) String() string {
	if d.message == nil {
		return fmt.Sprintf("%s (%d bytes)", d.name, len(d.content))
	}
	return d.name + wire.String(d.message)
}

// Format implements [fmt.Formatter]: whatever the verb, the text is that of String.
func (d Detail) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(d.String())) }

// MarshalText returns what String returns, for loggers that write JSON.
func (d Detail) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// WithDetails returns a copy of e that carries messages as well, behind those that e has. They travel on mux, line and
// HTTP with JSON; basic has no place for them. The caller finds them with [DetailsOf] or [Error.Detail].
//
//	return rpc.Errorf(rpc.ResourceExhausted, "no calls left today").WithDetails(&calc.Quota{Limit: 1000})
//
// Nobody changes a message that an error carries. See [MaxDetails] and [MaxDetailBytes] for how much it can be.
func (e *Error) WithDetails(details ...DetailMessage) *Error {
	c := *e
	c.Details = slices.Clip(c.Details)
	for _, m := range details {
		c.Details = append(c.Details, Detail{name: m.YodelName(), message: m})
	}
	return &c
}

// Detail reads the first detail of the message's type into it, and reports whether there is one that can be read.
func (e *Error) Detail(into DetailMessage) bool {
	for _, d := range e.Details {
		if d.name == into.YodelName() && d.Decode(into) == nil {
			return true
		}
	}
	return false
}

// DetailsOf goes over the details of one type that err carries, where it is an [*Error] or wraps one:
//
//	for quota := range rpc.DetailsOf[calc.Quota](err) { ... }
//
// Details that cannot be read are left out; [Detail.Decode] says why.
func DetailsOf[T any, PT interface {
	*T
	DetailMessage
}](err error) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return
		}
		name := PT(new(T)).YodelName()
		for _, d := range e.Details {
			if d.name != name {
				continue
			}
			if v := new(T); d.Decode(PT(v)) == nil && !yield(v) {
				return
			}
		}
	}
}

// EncodeDetails returns the details of e as a protocol sends them: encoded in the format, but those that came over a
// network as they came. Past a number and limit bytes, or [MaxDetailBytes], the rest is left off, and the log says so.
// Protocols call it on the way of a handler's error; it runs code of messages, and so inside a [Guard].
func (e *Error) EncodeDetails(format DetailFormat, limit int, log *Log) ([]Detail, error) {
	if len(e.Details) == 0 {
		return nil, nil
	}
	limit = min(limit, MaxDetailBytes)
	var sent []Detail
	size := 0
	for _, d := range e.Details {
		if err := checkDetailName(d.name); err != nil {
			log.Warn("an error's detail was left off", "code", e.Code, "cause", err)
			continue
		}
		d, err := d.encode(format)
		if err != nil {
			return nil, err
		}
		if size += d.size(); size > limit || len(sent) == MaxDetails {
			log.Warn("an error's details were left off", "code", e.Code, "detail", d.name,
				"sent", len(sent), "of", len(e.Details), "limit", MaxDetails, "limit_bytes", limit)
			break
		}
		sent = append(sent, d)
	}
	return sent, nil
}

func (d Detail) size() int { return detailHead + len(d.name) + len(d.content) }

func (d Detail) encode(format DetailFormat) (_ Detail, err error) {
	if d.message == nil {
		return d, nil
	}
	if format == DetailJSON {
		d.content, err = wire.AppendFullJSON(nil, d.message)
	} else {
		d.content, err = wire.Marshal(d.message)
	}
	if err != nil {
		return d, fmt.Errorf("the detail %s: %w", d.name, err)
	}
	d.message, d.format = nil, format
	return d, nil
}

// AppendDetail appends a detail that came over a network to those that came before it, with a copy of its content. What
// is past the bounds, or of a format that this version does not know, is ignored. The error is that of a name that
// is none.
func AppendDetail(details []Detail, name string, format DetailFormat, content []byte) ([]Detail, error) {
	if err := checkDetailName(name); err != nil {
		return details, err
	}
	d := Detail{name: name, format: format, content: content}
	size := d.size()
	for _, before := range details {
		size += before.size()
	}
	if size > MaxDetailBytes || len(details) == MaxDetails || format != DetailWire && format != DetailJSON {
		return details, nil
	}
	d.content = append([]byte{}, content...)
	return append(details, d), nil
}

// checkDetailName returns an error unless a name looks like one, since names end up in logs.
func checkDetailName(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."
	if name == "" || len(name) > maxDetailName || strings.Trim(name, letters) != "" {
		return fmt.Errorf("%s is not the full name of a detail's type, such as \"calc.Quota\"", Quote(name))
	}
	return nil
}
