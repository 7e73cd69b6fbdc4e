package golang

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// service writes a service's handler, constructor and client.
func (g *generator) service(s *schema.Service) {
	names := g.names.service[s]
	full := fullName(s)
	g.p("")
	if s.Doc != "" {
		g.comment(s.Doc)
		g.p("//")
	}
	g.p("// %s answers the calls of %s.", names.handler, full)
	g.p("type %s interface {", names.handler)
	for _, m := range s.Methods {
		g.doc(methodDoc(m.Doc, m), m.Deprecated)
		g.p("%s", g.handlerSignature(m))
	}
	g.p("}\n")
	g.p("// %s returns the service %s, which h answers.", names.newService, full)
	g.p("func %s(h %s) *%s.Service {\nreturn rpc.NewService(%q,", names.newService, names.handler, g.use(rpcPath), full)
	for _, m := range s.Methods {
		g.endpoint(m)
	}
	g.p(")\n}\n")
	g.p("// %s makes the calls of %s: a %s, or what stands in for one in tests.", names.caller, full, names.client)
	g.p("type %s interface {", names.caller)
	for _, m := range s.Methods {
		g.doc("", m.Deprecated)
		g.p("%s", g.clientSignature(m))
	}
	g.p("}\n")
	g.p("// %s calls %s. Many goroutines may use one at once.", names.client, full)
	g.p("type %s struct{ ch rpc.Channel }\n", names.client)
	g.p("// %s returns a client that calls through ch.", names.newClient)
	g.p("func %s(ch rpc.Channel) *%s { return &%s{ch} }\n", names.newClient, names.client, names.client)
	for _, m := range s.Methods {
		g.clientMethod(m)
	}
}

func fullName(s *schema.Service) string { return s.File.Package + "." + s.Name }

// isOption reports whether a call may leave p out, so that the client takes it as an option.
func isOption(p *schema.Field) bool { return p.Default != nil || p.Type.Optional }

func hasOptions(m *schema.Method) bool {
	for _, p := range m.Params {
		if isOption(p) {
			return true
		}
	}
	return false
}

func isStream(m *schema.Method) bool { return m.StreamParam != nil || m.StreamResult }

// argsMessage returns the message of a method's arguments. Where an argument is a stream, each element travels in
// such a message, behind one with the other arguments: these are pointers then, to tell whether they are there.
func (g *generator) argsMessage(m *schema.Method) message {
	list := m.Params
	if m.StreamParam != nil {
		list = nil
		for _, p := range m.Params {
			p := *p
			if p.Required && p.Type.Kind != schema.UnionType { // whose nil is enough
				t := *p.Type
				t.Optional, p.Type = true, &t
			}
			p.Required = false
			list = append(list, &p)
		}
	}
	args := newChecked(g.names.method[m].args, list)
	if m.StreamParam != nil {
		args.stream = m.StreamParam.Name
	}
	return args
}

func (g *generator) resultMessage(m *schema.Method) message {
	var list []*schema.Field
	if m.Result != nil {
		list = []*schema.Field{{Number: 1, Name: "result", Type: m.Result}}
	}
	return newMessage(g.names.method[m].result, list)
}

// handlerSignature returns the method of the handler: all parameters in the order of their numbers.
func (g *generator) handlerSignature(m *schema.Method) string {
	var list params
	for _, p := range m.Params {
		if isBidi(m) && p == m.StreamParam {
			list.add("stream", g.bidiStream(m.Result, p.Type))
			continue
		}
		list.add(g.names.param(p.Name), g.paramType(m, p, "iter.Seq2[%s, error]"))
	}
	return g.signature(m, list)
}

// signature returns a method's name, parameters and results.
func (g *generator) signature(m *schema.Method, list params) string {
	out := "error"
	switch {
	case isBidi(m):
	case m.StreamResult:
		out = fmt.Sprintf("%s.Seq2[%s, error]", g.use("iter"), g.goType(m.Result))
	case m.Result != nil:
		out = "(" + g.goType(m.Result) + ", error)"
	}
	all := params{{"ctx", g.use("context") + ".Context"}}
	return fmt.Sprintf("%s(%s) %s", schema.UpperCamel(m.Name), append(all, list...), out)
}

func (g *generator) paramType(m *schema.Method, p *schema.Field, stream string) string {
	if p != m.StreamParam {
		return g.goType(p.Type)
	}
	g.use("iter")
	return fmt.Sprintf(stream, g.goType(p.Type))
}

// params are Go parameters, printed as people write them: "num1, num2 int32".
type params []struct{ name, goType string }

func (p *params) add(name, goType string) {
	*p = append(*p, struct{ name, goType string }{name, goType})
}

func (p params) String() string {
	var b strings.Builder
	for i, one := range p {
		b.WriteString(one.name)
		if i == len(p)-1 || p[i+1].goType != one.goType {
			b.WriteString(" " + one.goType)
		}
		if i < len(p)-1 {
			b.WriteString(", ")
		}
	}
	return b.String()
}

// endpoint writes what ties a method to the handler.
func (g *generator) endpoint(m *schema.Method) {
	if isStream(m) {
		g.streamEndpoint(m)
		return
	}
	names := g.names.method[m]
	args := []string{"ctx"}
	for _, f := range g.argsMessage(m).fields {
		args = append(args, "in."+f.goName)
	}
	call := fmt.Sprintf("h.%s(%s)", schema.UpperCamel(m.Name), strings.Join(args, ", "))
	if m.Result == nil {
		g.p("%s.Handle(func(ctx context.Context, in *%s, out *%s) error {\nreturn %s\n}),",
			names.variable, names.args, names.result, call)
		return
	}
	g.p("%s.Handle(func(ctx context.Context, in *%s, out *%s) (err error) {\nout.Result, err = %s\nreturn err\n}),",
		names.variable, names.args, names.result, call)
}

// clientSignature returns a method of the client: required parameters by position, the others as options.
func (g *generator) clientSignature(m *schema.Method) string {
	var list params
	for _, p := range m.Params {
		switch {
		case isBidi(m) && p == m.StreamParam:
			list.add("body", fmt.Sprintf("func(ctx context.Context, stream %s) error", g.bidiStream(p.Type, m.Result)))
		case !isOption(p):
			list.add(g.names.param(p.Name), g.paramType(m, p, "iter.Seq[%s]"))
		}
	}
	if option := g.names.method[m].option; option != "" {
		list.add("opts", "..."+option)
	}
	return g.signature(m, list)
}

// clientMethod writes a method of the client.
func (g *generator) clientMethod(m *schema.Method) {
	doc := cmp.Or(m.Doc, fmt.Sprintf("%s calls %s.", schema.UpperCamel(m.Name), m.Name))
	g.doc(methodDoc(doc, m), m.Deprecated)
	g.p("func (c *%s) %s {", g.names.service[m.Service].client, g.clientSignature(m))
	if isStream(m) {
		g.streamCall(m)
	} else {
		g.unaryCall(m)
	}
	g.p("}\n")
	g.callOptions(m)
}

func (g *generator) unaryCall(m *schema.Method) {
	names := g.names.method[m]
	g.p("call := %s.NewCall()\ndefer call.Release()", names.variable)
	for _, f := range g.argsMessage(m).fields {
		if !isOption(f.Field) {
			g.p("call.In.%s = %s", f.goName, g.names.param(f.Name))
		}
	}
	if names.option != "" {
		g.p("for _, opt := range opts {\nopt(&call.In)\n}")
	}
	if m.Result == nil {
		g.p("return c.ch.Call(ctx, &call.Call)")
		return
	}
	g.p("err := c.ch.Call(ctx, &call.Call)\nreturn call.Out.Result, err")
}

// callOptions writes a method's options.
func (g *generator) callOptions(m *schema.Method) {
	names := g.names.method[m]
	if names.option == "" {
		return
	}
	method := schema.UpperCamel(m.Name)
	g.p("// %s sets a parameter of %s that may be left out.", names.option, method)
	g.p("type %s func(*%s)\n", names.option, names.args)
	for i, f := range g.argsMessage(m).fields {
		if p := m.Params[i]; isOption(p) {
			g.option(p, f, names)
		}
	}
}

func (g *generator) option(p *schema.Field, f field, names methodNames) {
	name := g.names.option[p]
	value, t := "v", *p.Type
	if t.Optional && t.Kind != schema.UnionType {
		value = "&v"
	}
	t.Optional = false
	text := fmt.Sprintf("%s sets %s.", name, p.Name)
	if p.Default != nil {
		text = fmt.Sprintf("%s sets %s. The default is %s.", name, p.Name, g.shown(p))
	}
	if doc := documented(p); doc != "" {
		text += "\n\n" + doc
	}
	g.doc(text, p.Deprecated)
	g.p("func %s(v %s) %s { return func(a *%s) { a.%s = %s } }\n",
		name, g.goType(&t), names.option, names.args, f.goName, value)
}

// shown returns a default for documentation.
func (g *generator) shown(p *schema.Field) string {
	switch v := p.Default; p.Type.Kind {
	case schema.Bool:
		return fmt.Sprint(v.Bool)
	case schema.Int, schema.Long:
		return fmt.Sprint(v.Int)
	case schema.Uint, schema.Ulong:
		return fmt.Sprint(v.Uint)
	case schema.Float, schema.Double:
		return fmt.Sprint(v.Float)
	case schema.String:
		return fmt.Sprintf("%q", v.String)
	case schema.Bytes:
		return fmt.Sprintf("%q", v.Bytes)
	case schema.Timestamp:
		return v.Time.UTC().String()
	case schema.Duration:
		return v.Duration.String()
	case schema.EnumType:
		return v.Enum.Name
	}
	return "absent"
}

// exceptions writes the functions that make a method's exceptions.
func (g *generator) exceptions(m *schema.Method) {
	var list []string
	for _, x := range m.Exceptions {
		list = append(list, fmt.Sprintf("func() rpc.Exception { return new(%s%s) }", g.in(x.File), x.Name))
	}
	switch len(list) {
	case 0:
	case 1:
		g.p("Exceptions: []func() rpc.Exception{%s},", list[0])
	default:
		g.p("Exceptions: []func() rpc.Exception{\n%s,\n},", strings.Join(list, ",\n"))
	}
}

// method writes the types of a method's messages, and the variable that describes it.
func (g *generator) method(m *schema.Method) {
	names := g.names.method[m]
	args, result := g.argsMessage(m), g.resultMessage(m)
	constructor, places := "rpc.NewUnary", ""
	if isStream(m) {
		constructor, places = "rpc.New"+streamKind(m), g.streamPlaces(m, args, result)
	}
	g.p("var %s = %s[%s, %s](rpc.Method{", names.variable, constructor, args.name, result.name)
	own := ""
	if m.Service.Own {
		own = " Own: true,"
	}
	g.p("Service: %q, Name: %q,%s", fullName(m.Service), m.Name, own)
	g.exceptions(m)
	if m.Idempotent {
		g.p("Idempotent: true,")
	}
	if m.Timeout > 0 {
		g.p("Timeout: %s,", g.duration(m.Timeout))
	}
	if m.StreamParam != nil {
		g.p("ClientStream: true,")
	}
	if m.StreamResult {
		g.p("ServerStream: true,")
	}
	g.p("}%s)\n", places)
	for _, one := range []message{args, result} {
		g.structType(one)
		g.messageMethods(one)
		g.masking(one)
		if one.sensitive {
			g.refusing(one.name, "wire.Mask(&m)")
		}
	}
}
