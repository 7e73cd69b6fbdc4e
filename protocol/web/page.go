package web

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// A page is what a person sees who opens the server in a browser.
type page struct {
	methods string // a line each
	example string // a request
}

func newPage(d *rpc.Dispatcher) *page {
	p := new(page)
	for _, r := range d.Routes() {
		p.methods += "    " + describe(r) + "\n"
		if p.example == "" && r.Unary() {
			p.example = exampleOf(r)
		}
	}
	return p
}

func (p *page) serve(w http.ResponseWriter, r *http.Request) {
	text := "This is a Yodel server. Its methods:\n\n" + p.methods
	if p.example != "" {
		text += fmt.Sprintf("\nTo call one, POST JSON to this address:\n\n    curl http://%s/ -d '%s'\n", r.Host,
			p.example)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	io.WriteString(w, text) // where the peer is gone, net/http ends the connection
}

// describe returns a method as a definition has it, with its service: "float Divide.divide(1:int num1, 2:int num2=1)".
func describe(r *rpc.Route) string {
	name := pipeline.ShortName(r.Method)
	if !r.Unary() {
		return fmt.Sprintf("%s, a stream, which %s does not carry", name, protocol)
	}
	c := r.NewCall()
	defer c.Release()
	result := "void"
	if f := wire.TypeOf(c.Result).ByNumber(1); f != nil {
		result = f.TypeName()
	}
	var params []string
	for _, f := range wire.TypeOf(c.Args).Fields {
		params = append(params, f.String())
	}
	return fmt.Sprintf("%s %s(%s)", result, name, strings.Join(params, ", "))
}

// exampleOf returns a request with the parameters that r's method requires.
func exampleOf(r *rpc.Route) string {
	c := r.NewCall()
	defer c.Release()
	var params []string
	for _, f := range wire.TypeOf(c.Args).Fields {
		if f.Required {
			params = append(params, fmt.Sprintf("%q: %s", f.JSONName, exampleValue(&f.ValueType)))
		}
	}
	return fmt.Sprintf(`{"name": %q, "params": {%s}}`, pipeline.CallName(r.Method), strings.Join(params, ", "))
}

func exampleValue(t *wire.ValueType) string {
	switch t.Kind {
	case wire.KindBool:
		return "true"
	case wire.KindString:
		return `"text"`
	case wire.KindBytes:
		return `"aGVsbG8="`
	case wire.KindTimestamp:
		return `"2026-01-31T12:00:00Z"`
	case wire.KindDuration:
		return `"1.5s"`
	case wire.KindEnum:
		return "0"
	case wire.KindList:
		return "[]"
	case wire.KindMap, wire.KindStruct, wire.KindUnion:
		return "{}"
	default:
		return "100"
	}
}
