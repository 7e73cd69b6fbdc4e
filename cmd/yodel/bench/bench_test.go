package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
)

const divideFile = "../../../examples/divide/divide.yodel"

// A divider answers divide.
type divider struct{}

func (divider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	if num2 == 0 {
		return 0, divide.NewInvalidOperation()
	}
	return float32(num1) / float32(num2), nil
}

// serveDivide serves divide at an address of its own until stop is called.
func serveDivide() (address string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", func() {}, err
	}
	server := yodel.NewServer(divide.NewService(divider{}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), ln) }()
	return ln.Addr().String(), func() {
		_ = server.Close()
		<-served
	}, nil
}

// runBench runs "yodel bench --json" with a few arguments more and returns what it prints.
func runBench(t *testing.T, args ...string) (reportJSON, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := New()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(append([]string{"--json", "--warmup", "0s"}, args...))
	cmd.SetOut(&out)
	cmd.SetErr(t.Output())
	err := cmd.ExecuteContext(t.Context())
	var got reportJSON
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if jsonErr := d.Decode(&got); jsonErr != nil {
		t.Fatalf("%v; the command says %v", jsonErr, err)
	}
	if _, more := d.Token(); more != io.EOF {
		t.Errorf("there is more than one object: %v", more)
	}
	return got, err
}

// TestBenchJSON looks at every figure, over every protocol, and at the goroutines that are left.
func TestBenchJSON(t *testing.T) { // not parallel, since others leave goroutines in passing
	for _, scheme := range []string{"basic", "line", "mux", "http"} {
		t.Run(scheme, func(t *testing.T) {
			leaks := goleak.IgnoreCurrent()
			address, stop, err := serveDivide()
			if err != nil {
				t.Fatal(err)
			}
			got, err := runBench(t, "-f", divideFile, "--count", "100", "-c", "4", "--connections", "2",
				scheme+"://"+address, "divide", "num1=200")
			stop()
			goleak.VerifyNone(t, leaks)
			if err != nil {
				t.Fatal(err)
			}
			if got.Protocol != scheme || got.Method != "divide" || got.Callers != 4 || got.Connections != 2 {
				t.Errorf("it says it did something else: %+v", got)
			}
			if got.Calls != 100 || got.Results != 100 || len(got.Errors) != 0 || len(got.Exceptions) != 0 {
				t.Errorf("100 calls, all with results, became %+v", got)
			}
			if rate := float64(got.Calls) / got.ElapsedSeconds; got.AnswersPerSecond < rate-1 ||
				got.AnswersPerSecond > rate+1 {
				t.Errorf("%v answers a second, of %v calls in %v s", got.AnswersPerSecond, got.Calls,
					got.ElapsedSeconds)
			}
			if got.BytesSent < 1000 || got.BytesReceived < 500 {
				t.Errorf("%d bytes sent, %d received", got.BytesSent, got.BytesReceived)
			}
			checkLatency(t, got)
		})
	}
}

func checkLatency(t *testing.T, got reportJSON) {
	t.Helper()
	var list []int64
	for _, name := range []string{"min", "p50", "p90", "p99", "p99_9", "max"} {
		list = append(list, got.Latency[name])
	}
	if !slices.IsSorted(list) || list[0] <= 0 || got.Latency["mean"] < list[0] || got.Latency["mean"] > list[5] {
		t.Errorf("latencies are %v", got.Latency)
	}
	var sum int64
	for _, r := range got.Histogram {
		sum += r.Count
		if r.FromNs >= r.ToNs {
			t.Errorf("a range from %d to %d", r.FromNs, r.ToNs)
		}
	}
	if sum != got.Calls {
		t.Errorf("the histogram has %d of %d calls", sum, got.Calls)
	}
}

// cutter serves lines. It answers as many calls of each connection as given, and then closes that without an answer to
// the next one.
func cutter(t *testing.T, answers int) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				lines := bufio.NewScanner(conn)
				for range answers {
					if !lines.Scan() {
						return
					}
					_, _ = io.WriteString(conn, `{"result": 1}`+"\n")
				}
				lines.Scan()
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		conns.Wait()
	})
	return ln.Addr().String()
}

// TestBenchReconnects: a connection that breaks is made again, and each call that it took along is one error.
func TestBenchReconnects(t *testing.T) {
	t.Parallel()
	got, err := runBench(t, "-c", "1", "--count", "110", "line://"+cutter(t, 10), "f")
	if err != nil {
		t.Fatal(err)
	}
	if got.Results != 100 || len(got.Errors) != 1 || got.Errors[0].Count != 10 {
		t.Fatalf("want 100 results and 10 errors of one kind, not %+v", got)
	}
	e := got.Errors[0]
	if e.Code != "unavailable" || e.Outcome != "unknown whether it ran" || !strings.Contains(e.Message, "closed") {
		t.Errorf("%+v", e)
	}
	if got.ErrorPercent < 9 || got.ErrorPercent > 10 {
		t.Errorf("%v%% errors", got.ErrorPercent)
	}
	var latencies int64
	for _, r := range got.Histogram {
		latencies += r.Count
	}
	if latencies != 100 {
		t.Errorf("%d latencies, want those of the answers alone", latencies)
	}
}

// TestBenchServerGone: while there is no server, callers do not fail as fast as they can.
func TestBenchServerGone(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"line", "http", "mux"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			address, stop, err := serveDivide()
			if err != nil {
				t.Fatal(err)
			}
			stop = sync.OnceFunc(stop)
			defer stop()
			time.AfterFunc(100*time.Millisecond, stop)
			got, err := runBench(t, "-f", divideFile, "-c", "4", "--duration", "600ms", scheme+"://"+address, "divide",
				"num1=1")
			if err != nil || got.Results == 0 {
				t.Fatalf("%v, %+v", err, got)
			}
			for _, e := range got.Errors {
				if e.Code != "unavailable" || e.Count > 100 {
					t.Errorf("%+v", e)
				}
			}
			if len(got.Errors) == 0 {
				t.Error("no errors")
			}
		})
	}
}

// TestBenchStrangeServers: whatever answers, the run ends with errors that say what it was.
func TestBenchStrangeServers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, scheme, answer, code, message string }{
		{"no JSON", "line", "hello\n", "internal", "want an object"},
		{"neither result nor error", "line", "{}\n", "internal", "neither \"result\" nor"},
		{"a hostile name", "line", `{"error": {"type": "\u001b[2J", "message": "x"}}` + "\n", "unknown", `\x1b`},
		{"a hostile message", "line", `{"error": {"type": "internal", "message": "\u001b[2J"}}` + "\n", "internal",
			"\uFFFD[2J"},
		{"a line without end", "line", strings.Repeat("x", 4<<20+1), "resource_exhausted", "limit"},
		{"undeclared status", "basic", "\x09", "internal", "begins with the byte 9"},
		{"huge length", "basic", "\xff\xff\xff\xff\xff", "resource_exhausted", "limit"},
		{"an error without a code", "basic", "\xff\x00\x00\x00\x04oops", "unknown", "oops"},
		{"a page", "http", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "unimplemented", "404 Not Found"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := answering(t, test.answer)
			got, err := runBench(t, "-f", divideFile, "-c", "1", "--count", "3", "--timeout", "5s",
				test.scheme+"://"+address, "divide", "num1=1")
			if err == nil || len(got.Errors) == 0 || got.Calls != 3 {
				t.Fatalf("%v, %+v", err, got)
			}
			if e := got.Errors[0]; e.Code != test.code || !strings.Contains(e.Message, test.message) {
				t.Errorf("%+v; want %s with %q", e, test.code, test.message)
			}
		})
	}
}

// answering serves bytes: each connection gets an answer for each read.
func answering(t *testing.T, answer string) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				request := make([]byte, 4096)
				for {
					if _, err := conn.Read(request); err != nil {
						return
					}
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		conns.Wait()
	})
	return ln.Addr().String()
}
