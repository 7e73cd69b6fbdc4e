package pipeline

import (
	"strings"

	"github.com/yodelrpc/yodel/rpc"
)

// CallName returns the name that a request has for m. A method of the file's own service goes by its bare name, which
// is what programs from before Yodel know; those of named services by Service.method, so that two of them may have a
// method of the same name.
func CallName(m *rpc.Method) string {
	if m.Own {
		return m.Name
	}
	return ShortName(m)
}

// ShortName returns the service without its package, and the method: "Calculator.divide".
func ShortName(m *rpc.Method) string {
	return m.Service[strings.LastIndexByte(m.Service, '.')+1:] + "." + m.Name
}
