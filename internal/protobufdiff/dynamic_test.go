package protobufdiff_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/idl/schema"
	"github.com/yodelrpc/yodel/protocol/basic"
	"github.com/yodelrpc/yodel/protocol/line"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// Package dynamic is held against the generated code of the same definition: messages without code of their own have
// the same bytes in every format, and of bytes that are damaged both read the same, or nothing for the same reason.

var dynamicPackage = sync.OnceValue(func() *dynamic.Package {
	fromTop := func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("../..", name)) }
	files, diagnostics := check.Files(fromTop, "internal/everything/everything.yodel")
	if len(files) == 0 {
		panic(diagnostics.Err())
	}
	p, err := dynamic.Load(files...)
	if err != nil {
		panic(err)
	}
	return p
})

// newDynamic returns how to make messages of a kind without generated code.
func newDynamic(t *testing.T, k kind) func() wire.Message {
	t.Helper()
	p := dynamicPackage()
	if declared := p.Type(k.name); declared != nil {
		return func() wire.Message { return declared.New() }
	}
	for _, s := range p.Services() {
		for _, m := range s.Methods() {
			switch prefix := s.Name() + schema.UpperCamel(m.Schema().Name); k.name {
			case prefix + "Request":
				return func() wire.Message { return m.NewArgs() }
			case prefix + "Response":
				return func() wire.Message { return m.NewCall(m.NewArgs()).Result }
			}
		}
	}
	t.Fatalf("package dynamic has no %s", k.name)
	return nil
}

// text returns m in both forms of JSON, in which maps are in order.
func text(t *testing.T, m wire.Message) string {
	t.Helper()
	short, err := wire.MarshalJSON(m)
	if err != nil {
		t.Fatal(err)
	}
	full, err := wire.AppendFullJSON(append(short, '\n'), m)
	if err != nil {
		t.Fatal(err)
	}
	return string(full)
}

func TestDynamicMessages(t *testing.T) {
	t.Parallel()
	forEachKind(t, func(t *testing.T, k kind, seed uint64) {
		r, newOther := newRandom(seed), newDynamic(t, k)
		for range 200 {
			generated, read := k.our(), k.our()
			r.message(generated)
			data, err := wire.Marshal(generated)
			if err != nil {
				t.Fatal(err)
			}
			want := text(t, generated)
			m := newOther()
			if err := wire.Unmarshal(data, m); err != nil {
				t.Fatalf("reading %x: %v", data, err)
			}
			if got := text(t, m); got != want {
				t.Fatalf("the bytes read as\n%s, want\n%s", got, want)
			}
			again, err := wire.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := wire.Unmarshal(again, read); err != nil || text(t, read) != want {
				t.Fatalf("wrote %x (%v), want %x", again, err, data)
			}
			if !strings.Contains(k.name, "Maps") && !strings.Contains(k.name, "Counts") && !bytes.Equal(again, data) {
				t.Fatalf("wrote %x, want %x", again, data)
			}
			short, _, _ := strings.Cut(want, "\n")
			fromJSON := newOther()
			if err := wire.UnmarshalJSON([]byte(short), fromJSON); err != nil || text(t, fromJSON) != want {
				t.Fatalf("%s reads as\n%s, %v", short, text(t, fromJSON), err)
			}
			if got, want := wire.String(m), wire.String(generated); got != want {
				t.Fatalf("for people it is\n%s, want\n%s", got, want)
			}
			m.Reset()
			if got, want := fullText(m), fullText(newOther()); got != want {
				t.Fatalf("once reset it is\n%s, want\n%s", got, want)
			}
		}
	})
}

func fullText(m wire.Message) string {
	b, err := wire.AppendFullJSON(nil, m)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Damaged bytes and texts: both sides give the same, or the same error.
func TestDynamicDamaged(t *testing.T) {
	t.Parallel()
	forEachKind(t, func(t *testing.T, k kind, seed uint64) {
		r, newOther := newRandom(seed), newDynamic(t, k)
		for range 300 {
			generated, m := k.our(), newOther()
			r.message(generated)
			data, _ := wire.Marshal(generated)
			short, _ := wire.MarshalJSON(generated)
			data = r.mutate(data)
			want, got := wire.Unmarshal(data, generated), wire.Unmarshal(data, m)
			compareRead(t, data, generated, m, want, got)
			short = r.mutateText(short)
			want, got = wire.UnmarshalArguments(short, generated), wire.UnmarshalArguments(short, m)
			compareRead(t, short, generated, m, want, got)
		}
	})
}

// FuzzDynamic reads arbitrary bytes and texts as one of the kinds.
func FuzzDynamic(f *testing.F) {
	for i, k := range kinds() {
		m := k.our()
		newRandom(uint64(i)).message(m)
		data, _ := wire.Marshal(m)
		text, _ := wire.MarshalJSON(m)
		f.Add(i, data)
		f.Add(i, text)
	}
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		if i < 0 || i >= len(kinds()) {
			return
		}
		k := kinds()[i]
		generated, m := k.our(), newDynamic(t, k)()
		want, got := wire.Unmarshal(data, generated), wire.Unmarshal(data, m)
		compareRead(t, data, generated, m, want, got)
		want, got = wire.UnmarshalArguments(data, generated), wire.UnmarshalArguments(data, m)
		compareRead(t, data, generated, m, want, got)
	})
}

func compareRead(t *testing.T, data []byte, generated, m wire.Message, want, got error) {
	t.Helper()
	if (want == nil) != (got == nil) || want != nil && want.Error() != got.Error() {
		t.Fatalf("of %q\ndynamic says   %v\ngenerated says %v", data, got, want)
	}
	if got, expected := fullText(m), fullText(generated); want == nil && got != expected {
		t.Fatalf("%q reads as\n%s, want\n%s", data, got, expected)
	}
}

// Requests and results go through the codecs of the basic and the line protocol, from each side to the other.
func TestDynamicCodecs(t *testing.T) {
	t.Parallel()
	limits := rpc.Limits{}.WithDefaults()
	generatedSide := dispatcher(t, everythingServices()...)
	var services []*rpc.Service
	for _, s := range dynamicPackage().Services() {
		services = append(services, s.NewService(nil))
	}
	dynamicSide := dispatcher(t, services...)
	for _, format := range list(basic.Format(), line.Format()) {
		for i, route := range generatedSide.Routes() {
			if !route.Unary() {
				continue
			}
			t.Run(format.Name+"/"+route.Method.Name, func(t *testing.T) {
				t.Parallel()
				other, refused := dynamicSide.Find([]byte(route.FullName))
				if refused != nil {
					t.Fatal(refused)
				}
				r := newRandom(uint64(i))
				newCodecs := func(d *rpc.Dispatcher) codecs {
					client, server := format.NewClient(limits), format.NewServer(d)
					return codecs{
						request: func(c *rpc.Call) ([]byte, decoder, *rpc.Error) {
							request, answer, refused := client.AppendRequest(nil, c)
							if refused != nil {
								return nil, nil, refused
							}
							return request, answer.Decode, nil
						},
						decode: server.Decode,
						result: func(c *rpc.Call) ([]byte, error) { return server.AppendResult(nil, c) },
					}
				}
				generated, ours := newCodecs(generatedSide), newCodecs(dynamicSide)
				for range 100 {
					want := route.NewCall()
					r.message(want.Args)
					r.message(want.Result)
					got := other.NewCall()
					copyMessage(t, got.Args, want.Args)
					copyMessage(t, got.Result, want.Result)
					compareCodecs(t, ours, generated, got, want)
				}
			})
		}
	}
}

// list returns its arguments, whose type may have no name here.
func list[T any](all ...T) []T { return all }

// codecs are what the two sides of a format do.
type codecs struct {
	request func(*rpc.Call) ([]byte, decoder, *rpc.Error)
	decode  func(request []byte) (*rpc.Route, *rpc.Call, *rpc.Error)
	result  func(*rpc.Call) ([]byte, error)
}

// A decoder reads the answer to a call.
type decoder func(answer []byte, c *rpc.Call) error

// compareCodecs compares what both sides write of the same call, and lets each read what the other wrote.
func compareCodecs(t *testing.T, ours, generated codecs, got, want *rpc.Call) {
	t.Helper()
	request, answer, refused := generated.request(want)
	other, otherAnswer, otherRefused := ours.request(got)
	if (refused == nil) != (otherRefused == nil) {
		t.Fatalf("generated: %v, dynamic: %v", refused, otherRefused)
	}
	if refused != nil {
		return // it has numbers that basic does not carry
	}
	if !bytes.Equal(request, other) {
		t.Fatalf("a request is\n%q, want\n%q", other, request)
	}
	_, call, refused := ours.decode(request)
	if refused != nil {
		t.Fatalf("reading %q: %v", request, refused)
	}
	if a, b := fullText(call.Args), fullText(want.Args); a != b {
		t.Fatalf("%q reads as\n%s, want\n%s", request, a, b)
	}
	result, err := generated.result(want)
	if err != nil {
		t.Fatal(err)
	}
	otherResult, err := ours.result(got)
	if err != nil || !bytes.Equal(result, otherResult) {
		t.Fatalf("a result is\n%q, want\n%q (%v)", otherResult, result, err)
	}
	before := fullText(want.Result)
	got.Result.Reset()
	want.Result.Reset()
	if err := otherAnswer(result, got); err != nil || fullText(got.Result) != before {
		t.Fatalf("%q reads as\n%s, want\n%s (%v)", result, fullText(got.Result), before, err)
	}
	if err := answer(otherResult, want); err != nil || fullText(want.Result) != before {
		t.Fatalf("%q reads as\n%s, want\n%s (%v)", result, fullText(want.Result), before, err)
	}
}

func copyMessage(t *testing.T, to, from wire.Message) {
	t.Helper()
	data, err := wire.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := wire.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

func dispatcher(t *testing.T, services ...*rpc.Service) *rpc.Dispatcher {
	t.Helper()
	d, err := rpc.NewDispatcher(services, rpc.DispatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}
