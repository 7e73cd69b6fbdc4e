package python

import (
	"cmp"
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
	params, args := []string{"self"}, []string{quote(name)}
	for _, f := range inCallOrder(method.Params) {
		params = append(params, m.clientParam(method, f))
		args = append(args, m.names.fields[f]+"="+m.names.fields[f])
	}
	m.printf("\n")
	m.lines("    ", "def "+name+"(", params, ") -> "+m.resultHint(method)+":")
	m.methodDoc(method)
	head := "return self._call("
	if method.Result == nil {
		head = "self._call("
	}
	m.lines("        ", head, args, ")")
}

func (m *module) handlerMethod(method *schema.Method) {
	params := []string{"self"}
	for _, f := range inCallOrder(method.Params) {
		params = append(params, m.names.fields[f]+": "+m.handlerHint(method, f))
	}
	m.printf("\n")
	if !isStream(method) {
		m.printf("    @%s\n", m.use("abstractmethod"))
	}
	m.lines("    ", "def "+m.names.methods[method]+"(", params, ") -> "+m.resultHint(method)+":")
	m.methodDoc(method)
	m.printf("        raise NotImplementedError\n")
}

// methodDoc writes the docstring of a method, where there is something to say.
func (m *module) methodDoc(method *schema.Method) {
	var args, raises []string
	for _, f := range method.Params {
		if f.Doc != "" {
			args = append(args, m.names.fields[f]+": "+oneLine(f.Doc))
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

// inCallOrder returns the parameters with those that a call must give in front, as Python wants them.
func inCallOrder(params []*schema.Field) []*schema.Field {
	return slices.SortedStableFunc(slices.Values(params), func(a, b *schema.Field) int {
		return cmp.Compare(rank(a), rank(b))
	})
}

func rank(f *schema.Field) int {
	if f.Required {
		return 0
	}
	return 1
}

func isStream(method *schema.Method) bool { return method.StreamParam != nil || method.StreamResult }

func (m *module) clientParam(method *schema.Method, f *schema.Field) string {
	head := m.names.fields[f] + ": "
	switch {
	case f == method.StreamParam:
		return head + m.use("Iterable") + "[" + m.hint(f.Type) + "] = ()"
	case f.Type.Kind == schema.List:
		return head + m.use("Sequence") + "[" + m.hint(f.Type.Elem) + "] = ()"
	case f.Type.Kind == schema.Map:
		mapping := m.use("Mapping") + "[" + m.hint(f.Type.Key) + ", " + m.hint(f.Type.Elem) + "]"
		return head + m.optional(mapping) + " = None"
	case f.Required:
		return head + m.hint(f.Type)
	case f.Type.Optional:
		return head + m.optional(m.hint(f.Type)) + " = None"
	}
	return head + m.hint(f.Type) + " = " + m.plainDefault(f)
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

func (m *module) resultHint(method *schema.Method) string {
	switch {
	case method.Result == nil:
		return "None"
	case method.StreamResult:
		return m.use("Iterator") + "[" + m.hint(method.Result) + "]"
	case method.Result.Optional:
		return m.optional(m.hint(method.Result))
	}
	return m.hint(method.Result)
}
