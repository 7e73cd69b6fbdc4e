package nearest_test

import (
	"testing"

	"github.com/yodelrpc/yodel/internal/nearest"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "ab", 2}, {"divide", "divide", 0}, {"divide", "devide", 1}, {"divide", "dviide", 1},
		{"divide", "divid", 1}, {"kitten", "sitting", 3},
	} {
		if got, back := nearest.Distance(test.a, test.b), nearest.Distance(test.b, test.a); got != test.want ||
			back != got {
			t.Errorf("between %q and %q: %d, %d; want %d", test.a, test.b, got, back, test.want)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	names := []string{"a", "add", "sub", "divide", "mul", "modulo", "power"}
	if got, want := nearest.List("devide", names[:4]), "divide, sub, add, a"; got != want &&
		got != "divide, add, a, sub" {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := nearest.List("devide", names); got[:6] != "divide" || got[len(got)-11:] != " and 2 more" {
		t.Errorf("got %q", got)
	}
}
