package yodel

import (
	"context"
	"errors"
	"time"

	"github.com/yodelrpc/yodel/internal/supervise"
	"github.com/yodelrpc/yodel/link"
)

// serveProcesses is ListenAndServe of the mode Processes, in the supervisor and in the workers.
func (s *Server) serveProcesses(ctx context.Context, n int, network, address string) error {
	if !supervise.Supported {
		return errors.New("the mode Processes needs a unix system; use Concurrent")
	}
	listensOn := network + " " + address
	if w := supervise.Inherited(); w != nil {
		return w.Serve(ctx, listensOn, s.serve)
	}
	ln, err := listen(ctx, network, address, s.options.SocketMode)
	if err != nil {
		return err
	}
	if !s.add(&ln) {
		return ErrServerClosed
	}
	defer s.remove(&ln) // Shutdown waits for that, and with it for the workers
	return supervise.Run(ctx, supervise.Options{
		Workers:   n,
		Listener:  ln,
		ListensOn: listensOn,
		Closing:   s.closing,
		Patience:  s.options.DrainTimeout + 5*time.Second,
		Backoff:   link.Backoff{}.WithDefaults().Delay,
		Log:       s.log,
	})
}
