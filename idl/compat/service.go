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
		c.add(Wire, at, "the service is gone or renamed", "keep it under its name")
		return
	}
	for _, m := range old.Methods {
		c.method(at+"."+m.Name, m, f.Services[i])
	}
}

func (c *comparison) method(at string, old *schema.Method, s *schema.Service) {
	i := slices.IndexFunc(s.Methods, func(m *schema.Method) bool { return m.Name == old.Name })
	if i < 0 {
		c.add(Wire, at, "the method is gone or renamed", `keep it under its name, marked @deprecated("...")`)
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
		c.add(Wire, at, "the result "+isStream(new.StreamResult)+" a stream", remedy)
	case !c.sameType(old.Result, new.Result):
		c.add(Wire, at, fmt.Sprintf("the result changed from %s to %s", spelled(old.Result), spelled(new.Result)), remedy)
	case old.Result != nil && old.Result.Optional != new.Result.Optional:
		c.add(Wire, at, "the result "+isOptional(new.Result)+" optional, which the basic protocol writes otherwise", remedy)
	}
}

func isStream(stream bool) string {
	if stream {
		return "is now"
	}
	return "is no longer"
}

func (c *comparison) params(at string, old, new *schema.Method) {
	for _, p := range old.Params {
		place := at + "." + p.Name
		if n := numbered(new.Params, p.Number); n != nil {
			c.param(place, p, n, old.StreamParam == p, new.StreamParam == n)
		} else if n := named(new.Params, p.Name); n != nil {
			c.renumbered(place, p, n)
		} else {
			c.add(Wire, place, "the parameter is gone; the basic protocol answers those who still send it with an error",
				`keep it, with a default and marked @deprecated("...")`)
		}
	}
	for _, n := range new.Params {
		if n.Required && numbered(old.Params, n.Number) == nil && named(old.Params, n.Name) == nil {
			c.add(Wire, at+"."+n.Name, "a new parameter that is required; those who do not know it cannot call the method",
				"give it a default, or write ? behind its type")
		}
	}
}

func (c *comparison) param(place string, old, new *schema.Field, oldStream, newStream bool) {
	if oldStream != newStream {
		c.add(Wire, place, "it "+isStream(newStream)+" a stream", "keep the method, and add one with another name")
		return
	}
	if !c.sameField(place, old, new) {
		return
	}
	switch {
	case new.Required && !old.Required:
		c.add(Wire, place, "it may no longer be left off; those who do cannot call the method",
			"keep the default, or the ?")
	case old.Required && !new.Required:
		c.add(Source, place, "it may now be left off, so that generated code takes it as an option", "")
	case old.Type.Optional != new.Type.Optional:
		c.add(Source, place, "it "+isOptional(new.Type)+" optional", "keep "+spelled(old.Type))
	case !old.Required && valueText(old) != valueText(new):
		c.add(Meaning, place, fmt.Sprintf("where it is left off, it was read as %s and is now read as %s",
			valueText(old), valueText(new)), "keep the default")
	}
	c.sensitive(place, old, new)
}

// exceptions compares the lists of two methods. The basic protocol numbers exceptions by their order; JSON and HTTP
// name them.
func (c *comparison) exceptions(at string, old, new *schema.Method) {
	for i, e := range old.Exceptions {
		place := at + "." + e.Name
		if i < len(new.Exceptions) {
			c.renamedException(e, new.Exceptions[i])
		}
		j := slices.IndexFunc(new.Exceptions, func(n *schema.Exception) bool { return c.isPair(e, n) })
		switch {
		case j < 0 && i < len(new.Exceptions):
			c.add(Wire, place, fmt.Sprintf("the exception is gone and %s has its number in the basic protocol, %d",
				new.Exceptions[i].Name, i+2), "keep it in the list")
		case j < 0:
			c.add(Meaning, place, "the method no longer answers with the exception", "")
		case i != j:
			c.add(Wire, place, fmt.Sprintf("its number in the basic protocol, which goes by the order, changed from %d to %d",
				i+2, j+2), "keep the order, and write new exceptions last")
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
	c.add(Wire, oldName, "the exception is now named "+newName+"; all protocols but the basic one send the name",
		"keep the name")
}
