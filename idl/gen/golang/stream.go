package golang

import (
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// streamEndpoint ties a method with streams to the handler.
func (g *generator) streamEndpoint(m *schema.Method) {
	names := g.names.method[m]
	g.p("%s.Handle(func(ctx context.Context, args %s.Seq2[%s, error], send func(*%s) error) error {",
		names.variable, g.use("iter"), names.args, names.result)
	list := []string{"ctx"}
	for i, f := range g.argsMessage(m).fields {
		switch p := m.Params[i]; {
		case p == m.StreamParam:
			list = append(list, "elements")
		case f.Type.Optional && !p.Type.Optional:
			list = append(list, "*in."+f.goName)
		default:
			list = append(list, "in."+f.goName)
		}
	}
	if takesFirst(m) {
		g.first(m)
	}
	if m.StreamParam != nil {
		g.elements(m)
	}
	call := fmt.Sprintf("h.%s(%s)", schema.UpperCamel(m.Name), strings.Join(list, ", "))
	switch {
	case m.StreamResult:
		g.p("for v, err := range %s {\nif err != nil {\nreturn err\n}", call)
		g.p("if err := send(&%s{Result: v}); err != nil {\nreturn err\n}\n}\nreturn nil", names.result)
	case m.Result == nil:
		g.p("if err := %s; err != nil {\nreturn err\n}\nreturn send(&%s{})", call, names.result)
	default:
		g.p("v, err := %s\nif err != nil {\nreturn err\n}\nreturn send(&%s{Result: v})", call, names.result)
	}
	g.p("}),")
}

// takesFirst reports whether the first message of the stream of arguments holds those that are no stream.
func takesFirst(m *schema.Method) bool { return m.StreamParam == nil || len(m.Params) > 1 }

// first writes the reading of the arguments that are no stream.
func (g *generator) first(m *schema.Method) {
	g.p("var in *%s", g.names.method[m].args)
	g.p("for first, err := range args {\nif err != nil {\nreturn err\n}\nin = &first\nbreak\n}")
	g.p("if in == nil {\nreturn rpc.NewError(rpc.InvalidArgument, \"the arguments are missing\")\n}")
	if m.StreamParam == nil {
		return
	}
	for i, f := range g.argsMessage(m).fields {
		if m.Params[i].Required {
			g.p("if in.%s == nil {\nreturn rpc.NewError(rpc.InvalidArgument, %q)\n}",
				f.goName, fmt.Sprintf("missing argument %q", f.Name))
		}
	}
}

// elements writes the sequence that the handler gets for the argument that is a stream.
func (g *generator) elements(m *schema.Method) {
	args := g.argsMessage(m).fields
	g.p("elements := func(yield func(%s, error) bool) {", g.goType(m.StreamParam.Type))
	g.p("for element, err := range args {\nif !yield(element.%s, err) {\nreturn\n}\n}\n}", args[len(args)-1].goName)
}

// streamCall writes the body of a client's method with streams.
func (g *generator) streamCall(m *schema.Method) {
	names := g.names.method[m]
	if takesFirst(m) {
		g.firstArgs(m)
	}
	g.p("all := func(yield func(%s) bool) {", names.args)
	switch {
	case m.StreamParam == nil:
		g.p("yield(args)")
	case takesFirst(m):
		g.p("if !yield(args) {\nreturn\n}")
	}
	if m.StreamParam != nil {
		g.p("for element := range %s {\nif !yield(%s) {\nreturn\n}\n}", g.names.param(m.StreamParam.Name), g.element(m))
	}
	g.p("}")
	switch {
	case m.StreamResult:
		g.p("return func(yield func(%s, error) bool) {", g.goType(m.Result))
		g.p("for out, err := range %s.Exchange(ctx, c.ch, all) {", names.variable)
		g.p("if !yield(out.Result, err) {\nreturn\n}\n}\n}")
	case m.Result == nil:
		g.p("_, err := %s.One(ctx, c.ch, all)\nreturn err", names.variable)
	default:
		g.p("out, err := %s.One(ctx, c.ch, all)\nreturn out.Result, err", names.variable)
	}
}

// firstArgs writes the making of the arguments that are no stream.
func (g *generator) firstArgs(m *schema.Method) {
	args := g.argsMessage(m)
	g.p("args := %s", g.defaults(args))
	for i, f := range args.fields {
		p := m.Params[i]
		if p == m.StreamParam || isOption(p) {
			continue
		}
		address := ""
		if f.Type.Optional && f.Type.Kind != schema.UnionType {
			address = "&"
		}
		g.p("args.%s = %s%s", f.goName, address, g.names.param(p.Name))
	}
	if g.names.method[m].option != "" {
		g.p("for _, opt := range opts {\nopt(&args)\n}")
	}
}

// element returns the message of one element of the argument that is a stream; the others have their defaults, which
// are not sent.
func (g *generator) element(m *schema.Method) string {
	args := g.argsMessage(m)
	last := len(args.fields) - 1
	text := g.defaults(message{name: args.name, fields: args.fields[:last]})
	text = strings.TrimSuffix(text, "}")
	if !strings.HasSuffix(text, "{") {
		text += ", "
	}
	return text + args.fields[last].goName + ": element}"
}
