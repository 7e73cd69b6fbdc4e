package python

import (
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/idl/schema"
)

// service writes the client, the handler and the service class of a service.
func (m *module) service(s *schema.Service) {
	stub := m.names.client[s]
	full := s.File.Package + "." + s.Name
	table := "_methods_" + s.Name

	m.printf("\n\n")
	m.class(stub.client, "", s.Doc, "Calls the methods of "+full+".")
	m.printf("\n    def __init__(self, channel: Channel) -> None:\n")
	m.printf("        self._call = %s(channel, %s)\n", m.use("_caller"), table)
	for _, method := range s.Methods {
		m.clientMethod(method)
	}

	m.printf("\n\n")
	m.class(stub.handler, m.use("Protocol"), "", "What answers the methods of "+full+".")
	for _, method := range s.Methods {
		m.handlerMethod(method)
	}

	m.printf("\n\n")
	m.class(stub.service, "", "", "The handlers of "+full+", for a server.")
	m.printf("\n    def __init__(self, handlers: %s) -> None:\n", stub.handler)
	m.printf("        self._methods = %s\n        self._handlers = %s(%s, handlers)\n", table, m.use("_bind"), table)
}

func (m *module) clientMethod(method *schema.Method) {
	name := m.names.methods[method]
	args := []string{quote(name)}
	for _, f := range method.Params {
		if !isSent(method, f) {
			args = append(args, m.names.fields[f]+"="+m.names.fields[f])
		}
	}
	params := m.clientParams(method)
	m.printf("\n")
	m.lines("    ", "def "+name+"(", params, ") -> "+m.clientResult(method)+":")
	m.methodDoc(method, true)
	head := "return self._call("
	if method.Result == nil {
		head = "self._call("
	}
	m.lines("        ", head, args, ")")
}

func (m *module) handlerMethod(method *schema.Method) {
	params := []string{"self"}
	for _, f := range method.Params {
		params = append(params, m.names.fields[f]+": "+m.handlerHint(method, f))
	}
	m.printf("\n")
	m.printf("    @%s\n", m.use("abstractmethod"))
	m.lines("    ", "def "+m.names.methods[method]+"(", params, ") -> "+m.handlerResult(method)+":")
	m.methodDoc(method, false)
	m.printf("        raise NotImplementedError\n")
}

// methodDoc writes the docstring of a method, of a client or else a handler, where there is something to say.
func (m *module) methodDoc(method *schema.Method, client bool) {
	var args, raises []string
	for _, f := range method.Params {
		if doc := documented(f.Doc, f); doc != "" && !(client && isSent(method, f)) {
			args = append(args, m.names.fields[f]+": "+oneLine(doc))
		}
	}
	for _, e := range method.Exceptions {
		raises = append(raises, m.names.of(e, e.File, ""))
	}
	raised := ""
	if len(raises) > 0 {
		raised = "Raises " + strings.Join(raises, " or ") + "."
	}
	doc := paragraphs(method.Doc, section("Args", args), raised, deprecated(method.Deprecated))
	if doc != "" {
		m.docstring("        ", doc)
	}
}

// clientParams returns the parameters of a client's method: first those that may be given by position, in the order of
// their numbers, then the options, by name alone, so that no new, removed or newly optional one moves another to its
// place.
func (m *module) clientParams(method *schema.Method) []string {
	var positional, named []string
	emptyFrom := len(method.Params) // the lists, maps and streams at the end may be left out
	for i, f := range slices.Backward(method.Params) {
		if f.Required {
			break
		}
		emptyFrom = i
	}
	for i, f := range method.Params {
		if isSent(method, f) {
			continue
		}
		if isOption(f) {
			named = append(named, m.clientParam(method, f, true))
		} else {
			positional = append(positional, m.clientParam(method, f, i >= emptyFrom))
		}
	}
	if len(named) > 0 {
		named = slices.Insert(named, 0, "*")
	}
	return slices.Concat([]string{"self"}, positional, named)
}

// isOption reports whether a call may leave f out, whose default is no mere emptiness.
func isOption(f *schema.Field) bool { return f.Default != nil || f.Type.Optional }

// isSent reports whether f is what a call sends while results come, and no parameter of the client's method.
func isSent(method *schema.Method, f *schema.Field) bool {
	return method.StreamResult && f == method.StreamParam
}

// clientParam returns a parameter, with its default if it may be left out.
func (m *module) clientParam(method *schema.Method, f *schema.Field, mayLack bool) string {
	hint, otherwise := m.hint(f.Type), ""
	switch {
	case f == method.StreamParam:
		hint, otherwise = m.use("Iterable")+"["+hint+"]", "()"
	case f.Type.Kind == schema.List:
		hint, otherwise = m.use("Sequence")+"["+m.hint(f.Type.Elem)+"]", "()"
	case f.Type.Kind == schema.Map:
		hint = m.use("Mapping") + "[" + m.hint(f.Type.Key) + ", " + m.hint(f.Type.Elem) + "]"
		if otherwise = "None"; mayLack {
			hint = m.optional(hint)
		}
	case f.Type.Optional:
		hint, otherwise = m.optional(hint), "None"
	case f.Default != nil:
		otherwise = m.plainDefault(f)
	}
	head := m.names.fields[f] + ": " + hint
	if !mayLack {
		return head
	}
	return head + " = " + otherwise
}

func (m *module) handlerHint(method *schema.Method, f *schema.Field) string {
	switch {
	case f == method.StreamParam:
		return m.use("Iterator") + "[" + m.hint(f.Type) + "]"
	case f.Type.Optional:
		return m.optional(m.hint(f.Type))
	}
	return m.hint(f.Type)
}

// clientResult returns the type of what a client's method returns.
func (m *module) clientResult(method *schema.Method) string {
	switch {
	case method.StreamResult && method.StreamParam != nil:
		return "BidiStream[" + m.hint(method.StreamParam.Type) + ", " + m.hint(method.Result) + "]"
	case method.StreamResult:
		return "ServerStream[" + m.hint(method.Result) + "]"
	}
	return m.resultHint(method)
}

// handlerResult returns the type of what a handler's method returns.
func (m *module) handlerResult(method *schema.Method) string {
	if method.StreamResult {
		return m.use("Iterable") + "[" + m.hint(method.Result) + "]"
	}
	return m.resultHint(method)
}

func (m *module) resultHint(method *schema.Method) string {
	switch {
	case method.Result == nil:
		return "None"
	case method.Result.Optional:
		return m.optional(m.hint(method.Result))
	}
	return m.hint(method.Result)
}
