package yodel_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
)

// stuck is a handler that does not heed the end of its context.
type stuck struct{ begun, release chan struct{} }

func (h stuck) Divide(context.Context, int32, int32) (float32, error) {
	h.begun <- struct{}{}
	<-h.release
	return 0, nil
}

// Close returns although a handler does not, and says which.
func TestCloseNamesHandlersThatRunOn(t *testing.T) {
	t.Parallel()
	for _, scheme := range schemes {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			h := stuck{make(chan struct{}), make(chan struct{})}
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			srv := yodel.NewServer(divide.NewService(h))
			served := make(chan error)
			go func() { served <- srv.Serve(context.Background(), ln) }()
			client := dial(t, yodel.DialOptions{}, scheme+"://"+ln.Addr().String())
			called := make(chan error)
			go func() {
				_, err := client.Divide(t.Context(), 1)
				called <- err
			}()
			<-h.begun
			err = srv.Close()
			const want = "handlers run on that do not heed the end of their contexts: divide.Divide/divide (1)"
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Close = %v; want %s", err, want)
			}
			if err := <-served; err != nil {
				t.Errorf("Serve = %v", err)
			}
			if err := <-called; err == nil {
				t.Error("the call that was cut succeeded")
			}
			close(h.release)
		})
	}
}
