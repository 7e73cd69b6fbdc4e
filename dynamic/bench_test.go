package dynamic_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/idl/check"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/wire"
)

// node is a message with others in it: 3 levels, 13 messages, texts and numbers.
func node() *everything.Node {
	n := everything.Node{Label: "a label", Sixteen: 16, Big: 1 << 20, Value: everything.ValueText{Text: "text"}}
	n.Reset()
	n.Label, n.Sixteen, n.Big = "a label", 16, 1<<20
	n.Circle.Radius = 2
	n.Value = everything.ValueText{Text: "text"}
	n.Defaults.Lasted = time.Second
	root := n
	for range 3 {
		child := n
		left := n
		child.Left = &left
		root.Children = append(root.Children, child)
	}
	return &root
}

// BenchmarkMessages compares messages without generated code with generated ones.
func BenchmarkMessages(b *testing.B) {
	files, _ := check.Files(func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("..", name)) },
		"internal/everything/everything.yodel")
	p, err := dynamic.Load(files...)
	if err != nil {
		b.Fatal(err)
	}
	args := load(b, "divide.yodel", divideText).Services()[0].Methods()[0].NewArgs()
	if err := args.SetAll(map[string]any{"num1": 200, "num2": 100}); err != nil {
		b.Fatal(err)
	}
	tests := []struct {
		name    string
		message wire.Message
	}{
		{"node/generated", node()},
		{"node/dynamic", p.Type("everything.Node").New()},
		{"divide/generated", &divideArgs{200, 100}},
		{"divide/dynamic", args},
	}
	data, _ := wire.Marshal(node())
	if err := wire.Unmarshal(data, tests[1].message); err != nil {
		b.Fatal(err)
	}
	for _, test := range tests {
		data, _ := wire.Marshal(test.message)
		text, _ := wire.MarshalJSON(test.message)
		b.Run(test.name+"/encode", func(b *testing.B) {
			b.ReportAllocs()
			e, buf := new(wire.Encoder), make([]byte, 0, 4096)
			for b.Loop() {
				e.Reset(buf[:0])
				test.message.EncodeWire(e)
			}
		})
		b.Run(test.name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			d := new(wire.Decoder)
			for b.Loop() {
				d.Reset(data)
				test.message.Reset()
				test.message.DecodeWire(d)
			}
		})
		b.Run(test.name+"/writeJSON", func(b *testing.B) {
			for b.Loop() {
				text, _ = wire.AppendJSON(text[:0], test.message)
			}
		})
		b.Run(test.name+"/readJSON", func(b *testing.B) {
			for b.Loop() {
				_ = wire.UnmarshalJSON(text, test.message)
			}
		})
	}
}

// divideArgs are the arguments of divide as generated code has them.
type divideArgs struct {
	Num1 int32 `yodel:"1,num1,required"`
	Num2 int32 `yodel:"2,num2"`
}

func (m *divideArgs) Reset() { *m = divideArgs{Num2: 1} }

func (m *divideArgs) EncodeWire(e *wire.Encoder) {
	e.PutInt32(1, m.Num1)
	if m.Num2 != 1 {
		e.PutInt32(2, m.Num2)
	}
}

func (m *divideArgs) DecodeWire(d *wire.Decoder) {
	var hasNum1 bool
	for d.Next() {
		hasNum1 = d.Int32(1, &m.Num1) || hasNum1
		d.Int32(2, &m.Num2)
	}
	d.Require(hasNum1, "num1")
}

// BenchmarkCalls calls divide with 64 callers on one connection, over each protocol.
func BenchmarkCalls(b *testing.B) {
	address := serve(b, divide.NewService(divider{}))
	m := load(b, "divide.yodel", divideText).Services()[0].Methods()[0]
	for _, scheme := range []string{"mux", "basic", "line", "http"} {
		ch := dial(b, scheme+"://"+address)
		b.Run(scheme+"/generated", func(b *testing.B) {
			client := divide.NewClient(ch)
			b.SetParallelism(32)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if got, err := client.Divide(context.Background(), 200, divide.Num2(100)); got != 2 || err != nil {
						b.Error(got, err)
						return
					}
				}
			})
		})
		b.Run(scheme+"/dynamic", func(b *testing.B) {
			b.SetParallelism(32)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					args := m.NewArgs()
					_ = args.SetAll(map[string]any{"num1": 200, "num2": 100})
					if got, err := m.Call(context.Background(), ch, args); got != float32(2) || err != nil {
						b.Error(got, err)
						return
					}
				}
			})
		})
	}
}
