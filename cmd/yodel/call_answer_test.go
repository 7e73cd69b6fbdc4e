package main

import (
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/check"
)

// outcome is what the tool prints of a call.
func outcome(result []byte, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return string(result)
}

func TestTextAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, answer, want string }{
		{"result", `{"result": 2}` + "\r\n", `2`},
		{"void", `{"result": null}`, `null`},
		{"error", `{"error": {"type": "internal", "message": "it broke"}}`, `error: internal: it broke`},
		{"exception with fields", `{"error": {"type": "Full", "message": "full", "max": 3}}`, `error: Full: full {"max":3}`},
		{"not JSON", `<html>`, `error: the answer is not that of a call: "<html>"`},
		{"another JSON", `{"status": "ok"}`, `error: the answer has neither a result nor an error: "{\"status\": \"ok\"}"`},
		{"an array", `[]`, `error: the answer is not that of a call: "[]"`},
		{"nothing", ``, `error: the answer is not that of a call: ""`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := outcome(parseAnswer([]byte(test.answer))); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestBasicAnswers(t *testing.T) {
	t.Parallel()
	const text = `
exception Full { 1: string message = "full", 2: int max }
int f() => Empty, Full
void g()
int? h()
`
	files, diags := check.Files(func(string) ([]byte, error) { return []byte(text), nil }, "answers.yodel")
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	methods := files[0].Services[0].Methods
	tests := []struct {
		name   string
		method int
		answer string
		want   string
	}{
		{"result", 0, "\x01\x00\x00\x00\x07", "7"},
		{"void", 1, "\x01", "null"},
		{"optional, absent", 2, "\x01\x00", "null"},
		{"optional, present", 2, "\x01\x01\x00\x00\x00\x07", "7"},
		{"exception", 0, "\x02\x00\x00\x00\x03who", "error: Empty: who"},
		{
			"exception with fields", 0, "\x03\x00\x00\x00\x03who\x00\x00\x00\x05\x02\x00\x00\x00\x03",
			`error: Full: who {"max":3}`,
		},
		{"error", 0, "\xff\x00\x00\x00\x0einternal: oops", "error: internal: oops"},
		{"undeclared", 0, "\x04\x00\x00\x00\x00", "error: the answer begins with byte 4, which is nothing that f answers"},
		{"status 0", 0, "\x00", "error: the answer begins with byte 0, which is nothing that f answers"},
		{"cut", 0, "\x01\x00", "error: the answer ends in its midst: unexpected EOF"},
		{"nothing", 0, "", "error: the answer ends in its midst: EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := &request{method: methods[test.method]}
			if got := outcome(r.readBasic(strings.NewReader(test.answer))); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
