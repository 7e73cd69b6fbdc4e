//go:build unix

package supervise

import (
	"context"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// workerVariable marks the workers of a supervisor in their environment. Its value says what the inherited listener
// listens on.
const workerVariable = "YODEL_WORKER"

// A Worker is what this process has from its supervisor, if it is a worker.
type Worker struct {
	listensOn string
	listener  *os.File
	lifeline  *os.File // ends when the worker is to drain
	serves    *os.File // gets a byte when the worker serves
}

// Inherited returns what this process has from its supervisor, or nil if it is no worker. It is taken from the
// environment once, so that programs which the worker starts do not take themselves for workers.
func Inherited() *Worker { return inherited() }

var inherited = sync.OnceValue(func() *Worker {
	listensOn, ok := os.LookupEnv(workerVariable)
	if !ok {
		return nil
	}
	os.Unsetenv(workerVariable)
	return &Worker{
		listensOn: listensOn,
		listener:  inheritedFile(3, "listener"),
		lifeline:  inheritedFile(4, "lifeline"),
		serves:    inheritedFile(5, "serves"),
	}
})

func inheritedFile(fd int, name string) *os.File {
	syscall.CloseOnExec(fd)
	syscall.SetNonblock(fd, true) // so that Close ends a Read
	return os.NewFile(uintptr(fd), name)
}

// Serve calls serve with the inherited listener, and a context that ends with ctx, when the supervisor says so or is
// gone, or with a signal that the supervisor gets as well. For a server that listens on something else than the
// supervisor, and so has workers of its own, it waits for that end alone: in this process it serves nobody.
func (w *Worker) Serve(ctx context.Context, listensOn string, serve func(context.Context, net.Listener) error) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop() // not before the end: a signal that comes late must not cut the drain
	ctx, drain := context.WithCancel(ctx)
	defer drain()
	forSupervisor := make(chan os.Signal, 1)
	signal.Notify(forSupervisor, syscall.SIGHUP)
	defer signal.Stop(forSupervisor)
	var watch sync.WaitGroup
	watch.Go(func() {
		w.lifeline.Read(make([]byte, 1))
		drain()
	})
	defer watch.Wait()
	defer w.lifeline.Close()

	if listensOn != w.listensOn {
		<-ctx.Done()
		return nil
	}
	ln, err := net.FileListener(w.listener)
	if err != nil {
		return err
	}
	w.listener.Close()
	w.serves.Write([]byte{1})
	w.serves.Close()
	return serve(ctx, ln)
}
