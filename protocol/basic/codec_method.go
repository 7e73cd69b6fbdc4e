package basic

import (
	"fmt"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// maxNumber is the largest number of a field that the protocol carries.
const maxNumber = 255

// A method is what reading and writing the messages of a method takes.
type method struct {
	*rpc.Method
	callName   string // in requests
	args       *wire.Type
	result     *wire.Field // nil for void
	exceptions []*pipeline.Exception
	problem    *rpc.Error // why the protocol cannot carry the method, or nil
}

// newMethod describes the method of c.
func newMethod(c *rpc.Call) *method {
	if _, ok := c.Args.(*wire.JSONText); ok {
		return &method{Method: c.Method, problem: rpc.Errorf(rpc.Unimplemented,
			"the basic protocol cannot carry %s without its definition, for it has no names", c.Method.Name)}
	}
	m := &method{Method: c.Method, callName: pipeline.CallName(c.Method), args: wire.TypeOf(c.Args)}
	result := wire.TypeOf(c.Result)
	if len(result.Fields) > 0 {
		m.result = &result.Fields[0]
	}
	for _, newException := range c.Method.Exceptions {
		m.exceptions = append(m.exceptions, pipeline.DescribeException(newException))
	}
	if err := m.check(result); err != nil {
		m.problem = rpc.Errorf(rpc.Unimplemented, "the basic protocol cannot carry %s: %w", m.Name, err)
	}
	return m
}

// check looks for what does not fit into the protocol's bytes.
func (m *method) check(result *wire.Type) error {
	if most := statusSystem - statusFirstException; len(m.exceptions) > most {
		return fmt.Errorf("it declares %d exceptions, and %d fit", len(m.exceptions), most)
	}
	seen := make(map[*wire.Type]bool)
	if err := checkNumbers(m.args, "its arguments", seen); err != nil {
		return err
	}
	if err := checkNumbers(result, "its result", seen); err != nil {
		return err
	}
	for _, x := range m.exceptions {
		if err := checkNumbers(wire.TypeOf(x.New()), x.Name, seen); err != nil {
			return err
		}
	}
	return nil
}

// checkNumbers looks for a number that does not fit in t, which people call name, and in all types that it leads to.
func checkNumbers(t *wire.Type, name string, seen map[*wire.Type]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	for i := range t.Fields {
		f := &t.Fields[i]
		if f.Number > maxNumber {
			return fmt.Errorf("%s of %s has the number %d, and the largest that fits is %d", f.Name, name, f.Number,
				maxNumber)
		}
		for v := &f.ValueType; v != nil; v = v.Elem {
			if v.Type == nil {
				continue
			}
			if err := checkNumbers(v.Type, v.Type.Name, seen); err != nil {
				return err
			}
		}
	}
	return nil
}
