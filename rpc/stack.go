package rpc

import (
	"fmt"
	"runtime"
	"strings"
)

// stack returns where the running goroutine is, the innermost function first. The runtime's own trace has the
// functions' arguments in it, of which some are sensitive.
func stack() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	var b strings.Builder
	for {
		f, more := frames.Next()
		fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		if !more {
			return b.String()
		}
	}
}
