package schema_test

import (
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/idl/schema"
)

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, words, camel, json string }{
		{"InvalidOperation", "invalid operation", "InvalidOperation", "InvalidOperation"},
		{"HTTPError", "http error", "HTTPError", "HTTPError"},
		{"NotFoundHTTP", "not found http", "NotFoundHTTP", "NotFoundHTTP"},
		{"HALF_EVEN", "half even", "HalfEven", "HALFEVEN"},
		{"DOWN", "down", "Down", "DOWN"},
		{"num1", "num1", "Num1", "num1"},
		{"num_lines", "num lines", "NumLines", "numLines"},
		{"numLines", "num lines", "NumLines", "numLines"},
		{"userID", "user id", "UserID", "userID"},
		{"user-store", "user store", "UserStore", "user-store"},
		{"v2Point", "v2 point", "V2Point", "v2Point"},
		{"a__b_", "a b", "AB", "aB"},
		{"", "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(schema.Words(test.name), " "); got != test.words {
				t.Errorf("words: got %q, want %q", got, test.words)
			}
			if got := schema.UpperCamel(test.name); got != test.camel {
				t.Errorf("camel: got %q, want %q", got, test.camel)
			}
			if got := schema.JSONName(test.name); got != test.json {
				t.Errorf("JSON: got %q, want %q", got, test.json)
			}
		})
	}
}
