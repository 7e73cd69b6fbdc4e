package wire_test

import (
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/internal/constraints"
	"github.com/yodelrpc/yodel/rpc"
)

// However long the path to it is, a value that is not allowed is refused.
func TestPathsThatAreLong(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{1, 40, 98} {
		tree := constraints.Tree{Value: -1}
		for range depth {
			tree = constraints.Tree{Named: map[string]constraints.Tree{strings.Repeat("ü", 100): tree}}
		}
		err := rpc.Validate(&tree)
		if err == nil || !strings.Contains(err.Error(), "below the minimum") || len(err.Error()) > 4<<10 {
			t.Errorf("%d deep: %.300v", depth, err)
		}
	}
}
