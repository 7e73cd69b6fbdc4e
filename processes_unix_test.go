//go:build unix

package yodel_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/tlstest"
)

// A running is the program as a child process.
type running struct {
	t       *testing.T
	cmd     *exec.Cmd
	dir     string // holds the program file
	lines   chan string
	address string
	workers []int
}

// start runs version 1 of the program at addr, and waits until its two workers serve.
func start(t *testing.T, addr string) *running {
	t.Helper()
	r := launch(t, addr, 1)
	r.awaitWorkers()
	return r
}

// launch runs a version of the program at addr.
func launch(t *testing.T, addr string, version int) *running {
	t.Helper()
	r := &running{t: t, dir: t.TempDir(), lines: make(chan string, 1000)}
	r.install(version)
	r.cmd = exec.Command(filepath.Join(r.dir, "program"))
	r.cmd.Env = append(os.Environ(), programVariable+"="+addr)
	stderr, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go r.read(stderr)
	t.Cleanup(func() {
		r.cmd.Process.Signal(syscall.SIGTERM)
		r.drainLines()
		r.cmd.Wait()
	})
	r.address = r.await(`supervising address=(\S+)`)
	return r
}

// install makes the given version the one that the program's name leads to.
func (r *running) install(version int) {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	name := fmt.Sprint("version", version)
	if os.Link(self, filepath.Join(r.dir, name)) != nil {
		copyFile(r.t, self, filepath.Join(r.dir, name))
	}
	next := filepath.Join(r.dir, "next")
	if err := errors.Join(os.Symlink(name, next), os.Rename(next, filepath.Join(r.dir, "program"))); err != nil {
		r.t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// read passes on what the program and its workers say, until all of them have ended.
func (r *running) read(stderr io.Reader) {
	defer close(r.lines)
	for s := bufio.NewScanner(stderr); s.Scan(); {
		r.lines <- s.Text()
	}
}

// await waits for a line that matches, and returns its first group.
func (r *running) await(pattern string) string {
	r.t.Helper()
	matcher := regexp.MustCompile(pattern)
	timeout := time.After(30 * time.Second)
	var seen []string
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				r.t.Fatalf("the program ended; want a line like %q after\n%s", pattern, strings.Join(seen, "\n"))
			}
			seen = append(seen, line)
			if m := matcher.FindStringSubmatch(line); m != nil {
				return m[len(m)-1]
			}
		case <-timeout:
			r.t.Fatalf("no line like %q came in 30 s, but\n%s", pattern, strings.Join(seen, "\n"))
		}
	}
}

func (r *running) awaitWorkers() {
	r.t.Helper()
	r.workers = []int{r.awaitWorker(), r.awaitWorker()}
}

func (r *running) awaitWorker() int {
	r.t.Helper()
	pid, err := strconv.Atoi(r.await(`a worker serves" pid=(\d+)`))
	if err != nil {
		r.t.Fatal(err)
	}
	return pid
}

// drainLines waits until the program and all workers have ended.
func (r *running) drainLines() {
	for range r.lines {
	}
}

func (r *running) signal(pid int, s syscall.Signal) {
	r.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		r.t.Fatal(err)
	}
}

// ask makes one call over a connection of its own.
func (r *running) ask(num1 int32) (float32, error) {
	ch, err := yodel.DialOptions{Timeout: 20 * time.Second}.Dial(r.address)
	if err != nil {
		return 0, err
	}
	defer ch.Close()
	return divide.NewClient(ch).Divide(context.Background(), num1)
}

// held is the file that long calls wait for.
func (r *running) held() string { return filepath.Join(r.dir, holdFile) }

// awaitRefusal waits until the address is no longer served.
func (r *running) awaitRefusal() {
	for {
		nc, err := net.DialTimeout("tcp", r.address, time.Second)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			nc.Close()
		}
	}
}

func TestWorkerThatIsKilledIsReplaced(t *testing.T) {
	t.Parallel()
	r := start(t, "127.0.0.1:0")
	r.signal(r.workers[0], syscall.SIGKILL)
	r.await("a worker died.*signal: killed")
	replaced := r.awaitWorker()
	r.signal(r.workers[1], syscall.SIGKILL)
	r.awaitWorker()
	for range 10 {
		pid, err := r.ask(tellsProcess)
		if err != nil || int(pid) == r.workers[0] || int(pid) == r.workers[1] {
			t.Fatalf("a call was answered by %v, %v; want worker %d or the newest", pid, err, replaced)
		}
	}
}

func TestNewVersionTakesOverUnderLoad(t *testing.T) {
	t.Parallel()
	r := start(t, "127.0.0.1:0")
	var calls, failures atomic.Int64
	var load sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				calls.Add(1)
				if _, err := r.ask(tellsVersion); err != nil {
					failures.Add(1)
					t.Error(err)
				}
			}
		})
	}
	for version := 2; version < 7; version++ {
		if version == isBroken {
			continue
		}
		r.install(version)
		r.signal(r.cmd.Process.Pid, syscall.SIGHUP)
		r.await("the old workers have ended")
		for range 5 {
			if got, err := r.ask(tellsVersion); err != nil || got != float32(version) {
				t.Errorf("after the take-over version %v answers (%v); want %d", got, err, version)
			}
		}
	}
	stop()
	load.Wait()
	t.Logf("%d calls during 4 take-overs, %d failed", calls.Load(), failures.Load())
}

func TestBrokenVersionDoesNotTakeOver(t *testing.T) {
	t.Parallel()
	r := start(t, "127.0.0.1:0")
	r.install(isBroken)
	r.signal(r.cmd.Process.Pid, syscall.SIGHUP)
	r.await("no take-over.*exit status 3")
	if got, err := r.ask(tellsVersion); err != nil || got != 1 {
		t.Errorf("version %v answers (%v); want 1", got, err)
	}
}

func TestSignalDrainsWorkers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		send func(r *running)
	}{
		{"SIGTERM", func(r *running) { r.signal(r.cmd.Process.Pid, syscall.SIGTERM) }},
		{"SIGINT to all, as from a terminal", func(r *running) {
			for _, pid := range append(r.workers, r.cmd.Process.Pid) {
				r.signal(pid, syscall.SIGINT)
			}
		}},
		{"supervisor killed", func(r *running) { r.signal(r.cmd.Process.Pid, syscall.SIGKILL) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "127.0.0.1:0")
			if err := os.WriteFile(r.held(), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			answered := make(chan error)
			go func() {
				_, err := r.ask(takesLong)
				answered <- err
			}()
			r.await("a long call runs")
			test.send(r)
			r.awaitRefusal()
			os.Remove(r.held())
			if err := <-answered; err != nil {
				t.Errorf("the call that ran: %v", err)
			}
			r.drainLines()
			if nc, err := net.Dial("tcp", r.address); err == nil {
				nc.Close()
				t.Error("the address is still served")
			}
		})
	}
}

// One worker serves and the other is held before it does, so that the supervisor is still starting when it is told to
// end. New connections are refused from then on, however long the calls that run may take.
func TestSignalDuringStartClosesListener(t *testing.T) {
	t.Parallel()
	r := launch(t, "127.0.0.1:0", halfStarts)
	if err := os.WriteFile(r.held(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.awaitWorker()
	answered := make(chan error)
	go func() {
		_, err := r.ask(takesLong)
		answered <- err
	}()
	r.await("a long call runs")
	r.signal(r.cmd.Process.Pid, syscall.SIGTERM)
	r.awaitRefusal()
	os.Remove(r.held())
	if err := <-answered; err != nil {
		t.Errorf("the call that ran: %v", err)
	}
	r.drainLines()
}

func TestProcessesShareUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	r := start(t, "unix://"+path)
	r.address = "unix://" + path
	if pid, err := r.ask(tellsProcess); err != nil || int(pid) != r.workers[0] && int(pid) != r.workers[1] {
		t.Errorf("a call was answered by %v, %v; want one of %v", pid, err, r.workers)
	}
	r.signal(r.cmd.Process.Pid, syscall.SIGTERM)
	r.drainLines()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// Workers serve nothing in plaintext either.
func TestProcessesInsideTLS(t *testing.T) {
	a := tlstest.New(t, "authority")
	k := &keeper{t: t, dir: t.TempDir()}
	k.put("server", a.Issue("127.0.0.1"))
	k.putAuthority("clients.pem", a)
	t.Setenv(tlsVariable, k.dir)
	r := start(t, "127.0.0.1:0")
	client := dial(t, yodel.DialOptions{TLS: a.Client(a.Issue("somebody"))}, r.address)
	if pid, err := client.Divide(t.Context(), tellsProcess); err != nil ||
		int(pid) != r.workers[0] && int(pid) != r.workers[1] {
		t.Errorf("a call was answered by %v, %v; want one of %v", pid, err, r.workers)
	}
	for _, scheme := range schemes {
		_, err := dial(t, yodel.DialOptions{}, scheme+"://"+r.address).Divide(t.Context(), tellsProcess)
		if want := "this port speaks TLS only"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s without TLS: err = %v; want %q", scheme, err, want)
		}
	}
}
