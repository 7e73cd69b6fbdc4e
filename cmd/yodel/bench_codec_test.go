package main

import (
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
)

const answersDefinition = `
exception Full { 1: string message = "full", 2: int max }
exception Bare { 1: int max }
struct Point { 1: int x }
int f() => Empty, Full, Bare
void g()
int? h()
bool b()
timestamp t()
long l()
string s()
string? so()
list<int> li()
Point p()
`

func benchCodecs(t testing.TB) map[string]*basicCodec {
	t.Helper()
	files, diags := check.Files(func(string) ([]byte, error) { return []byte(answersDefinition), nil }, "answers.yodel")
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	codecs := make(map[string]*basicCodec)
	for _, m := range files[0].Services[0].Methods {
		codecs[m.Name] = newBasicCodec(&request{name: m.Name, method: m}, new(traffic))
	}
	return codecs
}

var benchAnswers = []struct{ name, method, answer, ending string }{
	{"int", "f", "\x01\x00\x00\x00\x07", ""},
	{"void", "g", "\x01", ""},
	{"optional, absent", "h", "\x01\x00", ""},
	{"optional, present", "h", "\x01\x01\x00\x00\x00\x07", ""},
	{"optional string, absent", "so", "\x01\x00", ""},
	{"optional string, present", "so", "\x01\x01\x00\x00\x00\x02hi", ""},
	{"bool", "b", "\x01\x01", ""},
	{"timestamp", "t", "\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", ""},
	{"long", "l", "\x01\x00\x00\x00\x00\x00\x00\x00\x01", ""},
	{"string", "s", "\x01\x00\x00\x00\x02hi", ""},
	{"empty list", "li", "\x01\x00\x00\x00\x00", ""},
	{"struct", "p", "\x01\x00\x00\x00\x05\x01\x00\x00\x00\x07", ""},
	{"exception", "f", "\x02\x00\x00\x00\x03who", "Empty"},
	{"exception with fields", "f", "\x03\x00\x00\x00\x03who\x00\x00\x00\x05\x02\x00\x00\x00\x03", "Full"},
	{"exception without message", "f", "\x04\x00\x00\x00\x03who\x00\x00\x00\x00", "Bare"},
	{"error", "g", "\xff\x00\x00\x00\x0einternal: oops", "internal: oops"},
	{"error without a code", "g", "\xff\x00\x00\x00\x04oops", "unknown: oops"},
}

// TestBenchFrames: an answer ends where it ends, however many of its bytes are there and whatever comes behind it.
func TestBenchFrames(t *testing.T) {
	t.Parallel()
	for _, test := range benchAnswers {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			codec := benchCodecs(t)[test.method]
			for n := 1; n < len(test.answer); n++ {
				if start, end, err := codec.Frame([]byte(test.answer[:n]), 0); start != 0 || end != 0 || err != nil {
					t.Errorf("of %d bytes: %d to %d, %v", n, start, end, err)
				}
			}
			start, end, refused := codec.Frame([]byte(test.answer+"\x01\x02\x03"), 0)
			if start != 0 || end != len(test.answer) || refused != nil {
				t.Fatalf("from %d to %d, %v", start, end, refused)
			}
			got := ""
			if err := codec.Decode([]byte(test.answer), nil); err != nil {
				got = err.Error()
			}
			if got != test.ending {
				t.Errorf("it is %q, want %q", got, test.ending)
			}
		})
	}
}

func FuzzBenchFrames(f *testing.F) {
	codecs := benchCodecs(f)
	for _, test := range benchAnswers {
		f.Add(test.method, []byte(test.answer))
	}
	f.Fuzz(func(t *testing.T, method string, b []byte) {
		codec := codecs[method]
		if codec == nil || len(b) == 0 {
			return
		}
		_, end, err := codec.Frame(b, 0)
		switch {
		case end > len(b), err != nil && end != 0:
			t.Errorf("%s: %x ends at %d, %v", method, b, end, err)
		case end > 0:
			_ = codec.Decode(b[:end], nil)
		}
	})
}
