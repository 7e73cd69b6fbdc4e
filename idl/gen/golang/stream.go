package golang

import (
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// streamKind returns what the runtime calls a method with such streams.
func streamKind(m *schema.Method) string {
	switch {
	case m.StreamParam == nil:
		return "ServerStreaming"
	case m.StreamResult:
		return "BidiStreaming"
	}
	return "ClientStreaming"
}

// isBidi reports whether both directions of a method are streams, which the two sides then use as one object.
func isBidi(m *schema.Method) bool { return m.StreamParam != nil && m.StreamResult }

// bidiStream returns the type of that object at the side that sends elements of type out.
func (g *generator) bidiStream(out, in *schema.Type) string {
	return fmt.Sprintf("*%s.BidiStream[%s, %s]", g.use(rpcPath), g.goType(out), g.goType(in))
}

// streamPlaces returns the functions that say where in its message an element of a stream is.
func (g *generator) streamPlaces(m *schema.Method, args, result message) string {
	place := func(in message, f field) string {
		return fmt.Sprintf(",\nfunc(m *%s) *%s { return &m.%s },", in.name, g.goType(f.Type), f.goName)
	}
	text := ""
	if m.StreamParam != nil {
		text += place(args, args.fields[len(args.fields)-1])
	}
	if m.StreamResult {
		text = strings.TrimSuffix(text, ",") + place(result, result.fields[0])
	}
	return text + "\n"
}

// streamEndpoint ties a method with streams to the handler.
func (g *generator) streamEndpoint(m *schema.Method) {
	names := g.names.method[m]
	list, required := []string{"ctx"}, ""
	for i, f := range g.argsMessage(m).fields {
		p := m.Params[i]
		switch {
		case isBidi(m) && p == m.StreamParam:
			list = append(list, "stream")
			continue
		case p == m.StreamParam:
			list = append(list, "elements")
			continue
		case f.Type.Optional && !p.Type.Optional:
			list = append(list, "*in."+f.goName)
		default:
			list = append(list, "in."+f.goName)
		}
		if p.Required && m.StreamParam != nil {
			required += fmt.Sprintf(", %q", p.Name)
		}
	}
	params := fmt.Sprintf("ctx context.Context, in *%s", names.args)
	if isBidi(m) {
		params += ", stream " + g.bidiStream(m.Result, m.StreamParam.Type)
	} else if m.StreamParam != nil {
		params += fmt.Sprintf(", elements %s.Seq2[%s, error]", g.use("iter"), g.goType(m.StreamParam.Type))
	}
	call := fmt.Sprintf("h.%s(%s)", schema.UpperCamel(m.Name), strings.Join(list, ", "))
	switch {
	case isBidi(m):
		g.p("%s.Handle(func(%s) error {\nreturn %s\n}%s),", names.variable, params, call, required)
	case m.StreamResult:
		g.p("%s.Handle(func(%s) %s.Seq2[%s, error] {", names.variable, params, g.use("iter"), g.goType(m.Result))
		g.p("return %s\n}%s),", call, required)
	case m.Result == nil:
		g.p("%s.Handle(func(%s, out *%s) error {\nreturn %s\n}%s),", names.variable, params, names.result, call,
			required)
	default:
		g.p("%s.Handle(func(%s, out *%s) (err error) {", names.variable, params, names.result)
		g.p("out.Result, err = %s\nreturn err\n}%s),", call, required)
	}
}

// takesFirst reports whether the first message of the stream of arguments holds those that are no stream.
func takesFirst(m *schema.Method) bool { return m.StreamParam == nil || len(m.Params) > 1 }

// streamCall writes the body of a client's method with streams.
func (g *generator) streamCall(m *schema.Method) {
	names := g.names.method[m]
	list := "ctx, c.ch, nil"
	if takesFirst(m) {
		g.firstArgs(m)
		list = "ctx, c.ch, in"
	}
	if isBidi(m) {
		list += ", body"
	} else if m.StreamParam != nil {
		list += ", " + g.names.param(m.StreamParam.Name)
	}
	switch {
	case m.StreamResult:
		g.p("return %s.Call(%s)", names.variable, list)
	case m.Result == nil:
		g.p("_, err := %s.Call(%s)\nreturn err", names.variable, list)
	default:
		g.p("out, err := %s.Call(%s)\nreturn out.Result, err", names.variable, list)
	}
}

// firstArgs writes the making of the arguments that are no stream.
func (g *generator) firstArgs(m *schema.Method) {
	g.p("in := %s.NewArgs()", g.names.method[m].variable)
	for i, f := range g.argsMessage(m).fields {
		p := m.Params[i]
		if p == m.StreamParam || isOption(p) {
			continue
		}
		address := ""
		if f.Type.Optional && f.Type.Kind != schema.UnionType {
			address = "&"
		}
		g.p("in.%s = %s%s", f.goName, address, g.names.param(p.Name))
	}
	if g.names.method[m].option != "" {
		g.p("for _, opt := range opts {\nopt(in)\n}")
	}
}
