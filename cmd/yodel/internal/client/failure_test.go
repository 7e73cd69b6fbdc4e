package client_test

import (
	"errors"
	"testing"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/client"
	"github.com/yodelrpc/yodel/rpc"
)

// TestDescribe prints what hostile servers say: no later line looks like one of the tool's own, and no control
// character, of which U+009B begins a terminal's command as ESC [ does, reaches the terminal.
func TestDescribe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want string
	}{
		"lines": {rpc.NewError(rpc.Unknown, "a\nyodel: all is well\n\n\r\n"),
			"unknown: a\n    yodel: all is well (unknown whether it ran)"},
		"controls": {rpc.NewError(rpc.Unknown, "\x1b[2J\u009b2J\u0085\u2028\u202ea\tb\x7f"),
			"unknown: \uFFFD[2J\uFFFD2J\uFFFD\uFFFD\uFFFDa\tb\uFFFD (unknown whether it ran)"},
		"foreign": {errors.New("a\nb"), "unknown: a\n    b (unknown whether it ran)"},
		"exception": {
			&rpc.UndeclaredException{Name: "No\nyodel", Message: "a\nyodel: b",
				Fields: []byte("{\"a\":\n\"\u009b2J\xff\"}")},
			"No\n    yodel: a\n    yodel: b {\"a\":\n    \"\uFFFD2J\uFFFD\"}",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := client.Describe(tt.err).Error(); got != tt.want {
				t.Errorf("the tool says\n%q, want\n%q", got, tt.want)
			}
		})
	}
}
