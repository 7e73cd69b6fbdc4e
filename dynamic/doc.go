// Package dynamic makes and answers calls without generated code: a definition goes in as a schema, and methods, calls
// and messages come out. They travel on the same protocols as generated ones, with the same bytes, so that neither side
// can tell what the other is made of. It is for programs that learn definitions while they run: consoles, gateways,
// proxies, tools. Whoever has the definition at build time is better served by generated code, which the compiler
// checks and which is faster.
//
// [Load] is where to begin. It takes what the compiler's package check returns:
//
//	files, diags := check.Files(os.ReadFile, "divide.yodel")
//	...
//	p, err := dynamic.Load(files...)
//	ch, err := yodel.Dial("127.0.0.1:8000")
//	client := dynamic.NewClient(ch, p)
//	result, err := client.Call(ctx, "divide", map[string]any{"num1": 200})   // float32(200)
//	text, err := client.CallJSON(ctx, "divide", []byte(`{"num1": 200}`))     // 200
//
// A [Method] makes calls with a [Message] as arguments, and [Service.NewService] answers them. A declared exception is
// an [*Exception]; all other errors are those of package rpc. The rules are those of generated code: defaults are
// filled in, a call that lacks a required parameter fails with an error that names it, unknown fields are skipped, and
// all limits hold.
//
// [CallJSON] needs no definition at all, over the protocols that carry names: line and HTTP.
//
// A Package, its services and its methods are shared by any number of goroutines; a Message is for one at a time, or
// for many that only read it.
package dynamic
