package compat

import (
	"fmt"
	"slices"
	"time"

	"github.com/yodelrpc/yodel/idl/schema"
)

func (c *comparison) service(old *schema.Service, f *schema.File) {
	at := old.File.Package + "." + old.Name
	i := slices.IndexFunc(f.Services, func(s *schema.Service) bool { return s.Name == old.Name })
	if i < 0 {
		c.serviceGone(at, old, f)
		return
	}
	s := f.Services[i]
	for _, m := range old.Methods {
		c.method(at+"."+m.Name, m, s)
	}
	for _, m := range s.Methods {
		if !hasMethod(old, m.Name) {
			c.add(Source, at+"."+m.Name, "a new method, which handlers lack",
				"give the handlers one as well, or add a service")
		}
	}
}

func hasMethod(s *schema.Service, name string) bool {
	return slices.ContainsFunc(s.Methods, func(m *schema.Method) bool { return m.Name == name })
}

// serviceGone reports a service without a counterpart. The functions of a file's own one are called by their bare names
// where names are short, which finds them in any one service.
func (c *comparison) serviceGone(at string, old *schema.Service, f *schema.File) {
	reach, text := Source|Wire, "the service is gone or renamed"
	moved := old.Own
	for _, m := range old.Methods {
		in := 0
		for _, s := range f.Services {
			if hasMethod(s, m.Name) {
				in++
			}
		}
		moved = moved && in == 1
	}
	if moved {
		reach, text = Source|Mux, "the functions are now in another service, by whose name mux calls them"
	}
	c.add(reach, at, text, "keep it under its name")
}

func (c *comparison) method(at string, old *schema.Method, s *schema.Service) {
	i := slices.IndexFunc(s.Methods, func(m *schema.Method) bool { return m.Name == old.Name })
	if i < 0 {
		c.add(Source|Wire, at, "the method is gone or renamed", `keep it under its name, marked @deprecated("...")`)
		return
	}
	m := s.Methods[i]
	c.result(at, old, m)
	c.params(at, old, m)
	c.exceptions(at, old, m)
	if old.Idempotent && !m.Idempotent {
		c.add(Meaning, at, "it is no longer @idempotent, so that callers do not repeat it after a failure",
			"write @idempotent")
	}
	c.timeout(at, old.Timeout, m.Timeout)
}

func (c *comparison) timeout(at string, old, new time.Duration) {
	restore := fmt.Sprintf("write @timeout(%v)", old)
	switch {
	case old == new:
	case old == 0:
		c.add(Meaning, at, fmt.Sprintf("it now has a timeout, of %v", new), "leave @timeout out")
	case new == 0:
		c.add(Meaning, at, fmt.Sprintf("it no longer has a timeout, which was %v", old), restore)
	default:
		c.add(Meaning, at, fmt.Sprintf("the timeout changed from %v to %v", old, new), restore)
	}
}

func (c *comparison) result(at string, old, new *schema.Method) {
	const remedy = "keep the method as it is, and add one with another name"
	switch {
	case old.StreamResult != new.StreamResult:
		c.add(Source|Wire, at, "the result "+isStream(new.StreamResult)+" a stream", remedy)
	case (old.Result == nil) != (new.Result == nil):
		c.add(Source|Basic, at,
			fmt.Sprintf("the result changed from %s to %s; over the basic protocol callers may wait for "+
				"bytes that nobody sends", spelled(old.Result), spelled(new.Result)), remedy)
	case !c.sameType(old.Result, new.Result):
		c.typeChanged(at, old.Result, new.Result)
	case old.Result != nil && old.Result.Optional != new.Result.Optional:
		reach := Go | Basic | Meaning
		if old.Result.Optional {
			reach |= Python // whose handlers answer with None
		}
		c.add(reach, at, "the result "+isOptional(new.Result)+" optional, which the basic protocol writes otherwise",
			remedy)
	}
}

func isStream(stream bool) string {
	if stream {
		return "is now"
	}
	return "is no longer"
}

func (c *comparison) params(at string, old, new *schema.Method) {
	met := map[*schema.Field]bool{}
	for _, p := range old.Params {
		place, n := at+"."+p.Name, partner(p, old.Params, new.Params)
		met[n] = true
		switch {
		case n == nil:
			c.paramGone(place, p)
		case n.Number != p.Number:
			c.renumbered(place, p, n)
		default:
			c.param(place, p, n, old.StreamParam == p, new.StreamParam == n)
		}
	}
	for _, n := range new.Params {
		if !met[n] {
			c.newParam(at+"."+n.Name, n)
		}
	}
	c.order(at, old, new)
}

func (c *comparison) newParam(place string, n *schema.Field) {
	if n.Required {
		c.add(Source|Wire, place, "a new parameter that is required; those who do not know it cannot call the method",
			"give it a default, or write ? behind its type")
		return
	}
	c.add(Source|Basic|JSON, place,
		"a new parameter, which handlers have to take, and which servers that do not know it refuse "+
			"over the basic protocol and in JSON where it is given",
		"replace servers before clients use it, or add a method")
}

func (c *comparison) paramGone(place string, p *schema.Field) {
	reach, text := Source|Basic|JSON,
		"the parameter is gone; those who still send it are refused over the basic protocol and in JSON"
	if p.Required {
		reach, text = Source|Wire, "the parameter is gone, and servers that were built before demand it"
	}
	c.add(reach, place, text, `keep it, with a default and marked @deprecated("...")`)
}

func (c *comparison) param(place string, old, new *schema.Field, oldStream, newStream bool) {
	if oldStream != newStream {
		c.add(Source|Wire, place, "it "+isStream(newStream)+" a stream",
			"keep the method, and add one with another name")
		return
	}
	source := Python // which passes parameters to handlers by name, as Go does options to methods
	if isOption(old) {
		source = Source
	}
	if !c.sameField(place, old, new, source) {
		return
	}
	switch {
	case new.Required && !old.Required:
		c.add(Source|Wire, place, "it may no longer be left off; those who do cannot call the method",
			"keep the default, or the ?")
	case old.Required && !new.Required:
		c.add(Source|Wire, place, "it may now be left off, so that generated code takes it as an option; "+
			"servers that were built before refuse calls without it", "add a method with another name")
	case old.Type.Optional != new.Type.Optional:
		c.optional(place, old, new)
	case !old.Required && valueText(old) != valueText(new):
		c.add(Meaning, place, fmt.Sprintf("where it is left off, it was read as %s and is now read as %s",
			valueText(old), valueText(new)), "keep the default")
	}
	c.sensitive(place, old, new)
	c.constraints(place, old, new, Source|Wire)
}

// isOption reports whether generated clients take a parameter by name.
func isOption(p *schema.Field) bool { return p.Default != nil || p.Type.Optional }

// order compares the order of the parameters that generated code has by position: all in Go's handlers, those that are
// no options in clients.
func (c *comparison) order(at string, old, new *schema.Method) {
	moved := func(positional func(*schema.Field) bool) bool {
		last, places := -1, map[*schema.Field]int{}
		for i, n := range slices.DeleteFunc(slices.Clone(new.Params), func(n *schema.Field) bool {
			return !positional(n)
		}) {
			places[n] = i
		}
		position := 0
		for _, p := range old.Params {
			if !positional(p) {
				continue
			}
			place, ok := places[partner(p, old.Params, new.Params)]
			if ok && (place < last || place > position) {
				return true
			}
			if ok {
				last = place
			}
			position++
		}
		return false
	}
	var reach Reach
	if moved(func(*schema.Field) bool { return true }) {
		reach |= Go
	}
	if moved(func(p *schema.Field) bool { return !isOption(p) }) {
		reach |= Source
	}
	if reach != 0 {
		c.add(reach, at,
			"the parameters stand in another order, which is that of their numbers, and with them the arguments of "+
				"generated code", "keep the numbers, and give what is new a higher one")
	}
}

// exceptions compares the lists of two methods. The basic protocol and mux number exceptions by their order; JSON names
// them.
func (c *comparison) exceptions(at string, old, new *schema.Method) {
	for i, e := range old.Exceptions {
		place := at + "." + e.Name
		if i < len(new.Exceptions) {
			c.renamedException(e, new.Exceptions[i])
		}
		j := slices.IndexFunc(new.Exceptions, func(n *schema.Exception) bool { return c.isPair(e, n) })
		switch {
		case j < 0 && i < len(new.Exceptions):
			c.add(Source|Basic|Mux|Meaning, place, fmt.Sprintf("the exception is gone and %s has its number, %d",
				new.Exceptions[i].Name, i+2), "keep it in the list")
		case j < 0:
			c.add(Source|Meaning, place,
				"the method no longer answers with the exception; in handlers that do, it is an error of "+
					"the system", "keep it in the list")
		case i != j:
			c.add(Basic|Mux, place, fmt.Sprintf("its number, which goes by the order, changed from %d to %d", i+2, j+2),
				"keep the order, and write new exceptions last")
		}
	}
	for _, n := range new.Exceptions {
		if !slices.ContainsFunc(old.Exceptions, func(e *schema.Exception) bool { return c.isPair(e, n) }) {
			c.add(Meaning, at, "the method may now answer with the exception "+n.Name+
				", which those built before take for an error of the system", "")
		}
	}
}

func exceptionName(e *schema.Exception) string { return e.File.Package + "." + e.Name }

func (c *comparison) isPair(old, new *schema.Exception) bool {
	return c.toNew[exceptionName(old)] == exceptionName(new)
}

// renamedException pairs two exceptions at the same place of a list, of which one is gone and the other is new.
func (c *comparison) renamedException(old, new *schema.Exception) {
	oldName, newName := exceptionName(old), exceptionName(new)
	if c.toNew[oldName] != "" || c.toOld[newName] != "" {
		return
	}
	c.pair(oldName, newName)
	c.renamed = append(c.renamed, decl{file: old.File, name: old.Name, exception: old})
	c.add(Source|JSON, oldName, "the exception is now named "+newName+"; JSON has the name",
		"keep the name")
}
