package link_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/rpc"
)

// A link that is retired takes no more callers, also where it has a connection.
func TestRetiredLinkTakesNoCallers(t *testing.T) {
	t.Parallel()
	l := link.New(link.Options{Connect: func(context.Context) (rpc.Conn, error) {
		return connectInMemory(divide.NewService(divider{}))
	}})
	defer l.Close()
	if _, err := l.Conn(t.Context(), nil, time.Time{}); err != nil || !l.Ready() {
		t.Fatalf("no connection: %v", err)
	}
	l.Retire()
	if _, err := l.Conn(t.Context(), nil, time.Time{}); !errors.Is(err, link.ErrClosed) || l.Ready() {
		t.Errorf("a retired link gives %v, and is ready: %v", err, l.Ready())
	}
}
