package main

import (
	"strings"
	"testing"
	"time"
)

// All links, kinds and choices work: the server checks what comes. What it costs is not looked at here.
func TestRun(t *testing.T) {
	var out strings.Builder
	o := options{
		out: &out, rounds: 1, warm: 20 * time.Millisecond, time: 50 * time.Millisecond, callers: 2, size: 8 << 10,
	}
	if err := o.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 2+len(links)*len(kinds) {
		t.Errorf("a table of %d lines:\n%s", n, out.String())
	}
}
