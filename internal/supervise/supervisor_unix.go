//go:build unix

package supervise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// Supported reports whether the system has what this package needs.
const Supported = true

// Run keeps workers running until ctx or o.Closing ends, or a signal says so, and then drains them. SIGHUP replaces
// them by workers of the program as it is by then. It closes the listener, and returns an error if the first workers do
// not come to serve.
func Run(ctx context.Context, o Options) error {
	file, err := share(o.Listener)
	if err != nil {
		return err
	}
	stopListening := sync.OnceFunc(func() {
		file.Close()
		o.Listener.Close()
	})
	defer stopListening()
	p := &supervisor{
		program:  programPath(),
		mark:     workerVariable + "=" + o.ListensOn,
		n:        o.Workers,
		listener: file,
		stop:     stopListening,
		backoff:  o.Backoff,
		patience: o.Patience,
		log:      o.Log,
	}
	p.log.Always(slog.LevelInfo, "supervising", "address", o.Listener.Addr().String(), "workers", p.n)
	return p.supervise(ctx, o.Closing)
}

// A supervisor keeps n workers running. What it shares with each, as files 3 to 5 of the worker: the listener; the
// reading end of a pipe, at whose end the worker drains, be it that the supervisor says so or that it died; and the
// writing end of another, where the worker says that it serves.
type supervisor struct {
	program  string
	mark     string // in the environment of workers
	n        int
	listener *os.File
	stop     func() // closes the listener here; workers still have it
	backoff  func(failures int) time.Duration
	patience time.Duration // with a worker that drains
	log      *rpc.Log      // gets every line: operators wait for them, and backoff bounds those about workers that die
}

// startTimeout is how long a worker may take from its start until it serves.
const startTimeout = 30 * time.Second

// programPath returns the file to start workers from: by the name that the program was called by, so that a link that
// leads to a new version by then is followed.
func programPath() string {
	if path, err := exec.LookPath(os.Args[0]); err == nil {
		if path, err = filepath.Abs(path); err == nil {
			return path
		}
	}
	path, _ := os.Executable()
	return cmp.Or(path, os.Args[0])
}

// share returns a file of the listener's socket for other processes. (*net.TCPListener).File is no help: passing its
// file on makes the socket blocking, for all who share it, and a worker that loses the race for a connection would then
// hang in accept.
func share(ln net.Listener) (*os.File, error) {
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var file *os.File
	control := func(fd uintptr) {
		syscall.ForkLock.RLock()
		defer syscall.ForkLock.RUnlock()
		var dup int
		if dup, err = syscall.Dup(int(fd)); err == nil {
			syscall.CloseOnExec(dup)
			file = os.NewFile(uintptr(dup), "listener")
		}
	}
	return file, errors.Join(raw.Control(control), err)
}

// supervise runs crews of workers until ctx or closing ends or a signal says so, and then drains them.
func (p *supervisor) supervise(ctx, closing context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(closing, stop)()
	defer context.AfterFunc(ctx, p.stop)() // when the workers have closed it, too, clients are refused
	renew := make(chan os.Signal, 1)
	signal.Notify(renew, syscall.SIGHUP)
	defer signal.Stop(renew)

	var old sync.WaitGroup // crews that drain
	defer old.Wait()
	current, err := p.start(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	for {
		select {
		case <-ctx.Done():
			current.drain()
			return nil
		case <-renew:
		}
		next, err := p.start(ctx)
		if err != nil {
			p.log.Always(slog.LevelError, "no take-over; the old workers go on", "cause", err)
			continue
		}
		p.log.Always(slog.LevelInfo, "new workers have taken over")
		replaced := current
		current = next
		old.Go(func() {
			replaced.drain()
			p.log.Always(slog.LevelInfo, "the old workers have ended")
		})
	}
}

// A crew is the workers of one version of the program, each kept by a goroutine.
type crew struct {
	ending chan struct{}
	wg     sync.WaitGroup
}

// drain lets the workers finish what they do, and returns when they have ended.
func (c *crew) drain() {
	close(c.ending)
	c.wg.Wait()
}

// start returns a crew that serves. If one of its workers cannot be brought to that, there is no crew.
func (p *supervisor) start(ctx context.Context) (*crew, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout,
		fmt.Errorf("a worker did not call ListenAndServe within %v", startTimeout))
	defer cancel()
	c := &crew{ending: make(chan struct{})}
	started := make(chan error, p.n)
	for range p.n {
		c.wg.Go(func() { p.keep(c, started) })
	}
	for range p.n {
		select {
		case err := <-started:
			if err != nil {
				c.drain()
				return nil, err
			}
		case <-ctx.Done():
			c.drain()
			return nil, context.Cause(ctx)
		}
	}
	return c, nil
}

// keep runs a worker, and another one when it dies, until the crew ends. It tells started whether the first one serves.
func (p *supervisor) keep(c *crew, started chan<- error) {
	serves := false // the first worker, some time
	failures := 0   // workers in a row that died before they served
	for {
		err := p.run(c.ending, func() {
			if failures = 0; !serves {
				serves = true
				started <- nil
			}
		})
		if err == nil {
			return
		}
		if !serves {
			started <- err
			return
		}
		failures++
		wait := p.backoff(failures)
		p.log.Always(slog.LevelError, "a worker died; starting another", "cause", err, "in", wait)
		select {
		case <-time.After(wait):
		case <-c.ending:
			return
		}
	}
}

// run runs one worker. It returns nil if the worker ended because it was told to.
func (p *supervisor) run(ending <-chan struct{}, serves func()) error {
	w, err := p.spawn()
	if err != nil {
		return fmt.Errorf("cannot start a worker: %w", err)
	}
	defer w.lifeline.Close()
	awaited := w.serves // nil once the worker serves
	for {
		select {
		case <-awaited:
			p.log.Always(slog.LevelInfo, "a worker serves", "pid", w.cmd.Process.Pid)
			serves()
			awaited = nil
		case err := <-w.ended:
			return fmt.Errorf("worker %d ended: %w", w.cmd.Process.Pid, cmp.Or(err, errors.New("exit status 0")))
		case <-ending:
			if awaited != nil {
				// It does not look at its lifeline yet, but holds the listener open, where clients would wait in vain.
				_ = w.cmd.Process.Signal(syscall.SIGTERM)
			}
			p.end(w)
			return nil
		}
	}
}

// end drains a worker, and kills it if that takes too long.
func (p *supervisor) end(w *workerProcess) {
	w.lifeline.Close()
	select {
	case <-w.ended:
	case <-time.After(p.patience):
		p.log.Always(slog.LevelError, "killed a worker that did not end", "pid", w.cmd.Process.Pid)
		w.cmd.Process.Kill()
		<-w.ended
	}
}

// A workerProcess is a worker as its supervisor sees it. Two goroutines wait for what it does; its end ends them.
type workerProcess struct {
	cmd      *exec.Cmd
	lifeline *os.File
	serves   chan struct{} // receives one value when the worker serves
	ended    chan error    // receives how it exited
}

func (p *supervisor) spawn() (*workerProcess, error) {
	lifeRead, lifeWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer lifeRead.Close()
	servesRead, servesWrite, err := os.Pipe()
	if err != nil {
		lifeWrite.Close()
		return nil, err
	}
	defer servesWrite.Close()
	cmd := exec.Command(p.program, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), p.mark)
	cmd.ExtraFiles = []*os.File{p.listener, lifeRead, servesWrite}
	if err := cmd.Start(); err != nil {
		lifeWrite.Close()
		servesRead.Close()
		return nil, err
	}
	w := &workerProcess{cmd: cmd, lifeline: lifeWrite, serves: make(chan struct{}, 1), ended: make(chan error, 1)}
	go func() { w.ended <- cmd.Wait() }()
	go w.awaitServes(servesRead)
	return w, nil
}

func (w *workerProcess) awaitServes(r *os.File) {
	defer r.Close()
	if n, _ := r.Read(make([]byte, 1)); n > 0 {
		w.serves <- struct{}{}
	}
}
