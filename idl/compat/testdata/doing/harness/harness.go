// Package harness is what the programs have in common that TestCompatByDoing generates: users of old and new generated
// code, which call each other and note what was sent and what arrived.
package harness

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// A User is the code that somebody wrote against one version of the generated code: handlers and callers.
type User struct {
	Services func() []*rpc.Service
	Calls    map[string]func(context.Context, rpc.Channel, *Call) // by method
	Raises   map[string][]string                                  // the exceptions of each method
}

// A Call is one call, as both sides saw it. Values are noted as path=value.
type Call struct {
	Variant int    `json:"-"` // which of the sample values: 0 or 1, or 2 for as little as can be
	Raise   string `json:"-"` // the exception with which the handler answers

	Sent     Values `json:"sent"`
	Got      Values `json:"got"`
	Answered Values `json:"answered"`
	Received Values `json:"received"`
	Traits   Values `json:"traits"` // what the generated code says of the method and its values besides
	Raised   string `json:"raised"` // the declared exception that arrived
	Err      string `json:"err"`    // any other error
}

// Now is the call that runs: calls are made one by one.
var Now *Call

// Values are values by path.
type Values map[string]string

// Add notes a value.
func (v *Values) Add(path string, value any) {
	if *v == nil {
		*v = Values{}
	}
	switch x := value.(type) {
	case time.Time:
		value = x.UTC().Format(time.RFC3339Nano)
	case []byte:
		value = fmt.Sprintf("%x", x)
	}
	(*v)[path] = fmt.Sprint(value)
}

// Enum notes the value of an enum, by the name that names gives to its number.
func (v *Values) Enum(path string, n int32, names map[int32]string) {
	name, ok := names[n]
	if !ok {
		name = fmt.Sprint("#", n)
	}
	v.Add(path, name)
}

// Hidden notes whether the text of a value hides something.
func (v *Values) Hidden(path string, value any) {
	v.Add("hidden "+path, strings.Contains(fmt.Sprintf("%+v", value), "***"))
}

// see notes what a call says of its method, and whether its arguments hide something.
func (c *Call) see(call *rpc.Call) {
	c.Traits.Hidden("arguments", call.Args)
	c.Traits.Add("timeout", call.Method.Timeout)
	c.Traits.Add("idempotent", call.Method.Idempotent)
}

// See returns a channel that notes what calls say of their methods.
func See(ch rpc.Channel, c *Call) rpc.Channel { return seeing{ch, c} }

type seeing struct {
	rpc.Channel
	c *Call
}

func (s seeing) Call(ctx context.Context, call *rpc.Call) error {
	s.c.see(call)
	return s.Channel.Call(ctx, call)
}

// Methods returns the names of the methods that u calls.
func (u User) Methods() []string {
	var names []string
	for name := range u.Calls {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Ptr returns a pointer to v.
func Ptr[T any](v T) *T { return &v }
