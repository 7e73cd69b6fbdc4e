package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/internal/testenv"
	"github.com/yodelrpc/yodel/rpc"
)

// net/http waits half a second before it closes a connection of whose request it has not read all.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// The handler answers some numbers with what stands here.
type handler struct {
	waiting chan context.Context // gets the context of a call of divide(waits)
	running *atomic.Int32        // such calls
}

const (
	panics   = 666
	waits    = 777
	metadata = 888  // divides by what the header Divisor says
	codes    = 1000 // 1000 and a code: an error with the code
)

func (h handler) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	switch {
	case num1 == panics:
		panic("a test panics")
	case num1 == waits:
		h.running.Add(1)
		defer h.running.Add(-1)
		h.waiting <- ctx
		<-ctx.Done()
		time.Sleep(time.Millisecond) // whoever does not wait for the handler goes on
		return 0, ctx.Err()
	case num1 == metadata:
		fmt.Sscan(rpc.IncomingMetadata(ctx).Get("divisor"), &num2)
		rpc.AddAnswerMetadata(ctx, "Seen-Divisor", fmt.Sprint(num2))
		rpc.AddAnswerMetadata(ctx, "Content-Length", "1")
	case num1 > codes && num1 <= codes+16:
		return 0, rpc.NewError(rpc.Code(num1-codes), "a code")
	case num2 == 0:
		return 0, divide.NewInvalidOperation()
	}
	return float32(num1) / float32(num2), nil
}

const basic100 = "\x00\x00\x00\x06divide\x00\x00\x00\x05\x01\x00\x00\x00\x64"

func TestAnswers(t *testing.T) { overAll(t, testAnswers) }

func testAnswers(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{Limits: rpc.Limits{Message: 1000}})
	const jsonType, binary, octets = "application/json", "binary", "application/octet-stream"
	long := strings.Repeat(" ", 1001)
	const two, text = `{"name": "divide", "params": {"num1": 2}}`, "text/plain; charset=utf-8"
	invalid := basic100[:13] + "\x0a\x01\x00\x00\x00\x64\x02\x00\x00\x00\x00" // divide(100, 0)
	for _, test := range []struct {
		name, method, path, contentType, body string
		status                                int
		answerType, answer                    string
	}{
		{"result", "POST", "", jsonType, `{"name": "divide", "params": {"num1": 200, "num2": 100}}`,
			200, jsonType, `{"result": 2}`},
		{"charset", "POST", "", jsonType + "; charset=utf-8", two, 200, jsonType, `{"result": 2}`},
		{"curl -d", "POST", "", "application/x-www-form-urlencoded", two, 200, jsonType, `{"result": 2}`},
		{"no type", "POST", "", "", two, 200, jsonType, `{"result": 2}`},
		{"several lines", "POST", "", jsonType, "{\n  \"name\": \"divide\",\n  \"params\": {\"num1\": 2}\n}\n",
			200, jsonType, `{"result": 2}`},
		{"service and method", "POST", "", jsonType, `{"name": "Divide.divide", "params": {"num1": 2}}`,
			200, jsonType, `{"result": 2}`},
		{"exception", "POST", "", jsonType, `{"name": "divide", "params": {"num1": 2, "num2": 0}}`,
			400, jsonType, `{"error": {"type": "InvalidOperation", "message": "invalid operation"}}`},
		{"unknown method", "POST", "", jsonType, `{"name": "divid"}`,
			404, jsonType, `unknown method \"divid\"; this server has divide`},
		{"missing parameter", "POST", "", jsonType, `{"name": "divide", "params": {}}`, 400, jsonType, `num1`},
		{"bad JSON", "POST", "", jsonType, `{"name": `, 400, jsonType, `{"error": {"type": "invalid_argument"`},
		{"empty body", "POST", "", jsonType, ``, 400, jsonType, `{"error": {"type": "invalid_argument"`},
		{"panic", "POST", "", jsonType, `{"name": "divide", "params": {"num1": 666}}`,
			500, jsonType, `{"error": {"type": "internal"`},
		{"too long", "POST", "", jsonType, long, 413, jsonType, `{"error": {"type": "resource_exhausted"`},
		{"another type", "POST", "", "text/xml", `<divide/>`, 415, jsonType, `send application/json or`},
		{"bad type", "POST", "", "a;b;c", ``, 415, jsonType, `send application/json or`},

		{"basic result", "POST", "", binary, basic100, 200, binary, "\x01\x42\xc8\x00\x00"},
		{"basic result, octets", "POST", "", octets, basic100, 200, octets, "\x01\x42\xc8\x00\x00"},
		{"basic exception", "POST", "", binary, invalid, 400, binary, "\x02\x00\x00\x00\x11invalid operation"},
		{"basic unknown method", "POST", "", octets, "\x00\x00\x00\x01x\x00\x00\x00\x00", 404, octets,
			"\xff\x00\x00\x00"},
		{"basic cut", "POST", "", octets, basic100[:18], 400, octets, "\xff\x00\x00\x00"},
		{"basic and more", "POST", "", octets, basic100 + basic100, 400, octets, "\xff\x00\x00\x00"},
		{"basic huge length", "POST", "", octets, "\x7f\xff\xff\xff", 429, octets, "\xff\x00\x00\x00"},
		{"basic too long", "POST", "", octets, long, 413, octets, "\xff\x00\x00\x00"},

		{"page", "GET", "", "", "", 200, text, "float Divide.divide(1:int num1, 2:int num2=1)"},
		{"head", "HEAD", "", "", "", 200, text, ""},
		{"other path", "GET", "favicon.ico", "", "", 404, text, "GET / says which"},
		{"post to another path", "POST", "divide", jsonType, two, 404, text, "POST to /"},
		{"two slashes", "POST", "/", jsonType, two, 404, text, "POST to /"},
		{"other method", "PUT", "", jsonType, two, 405, text, "POST to /"},
	} {
		t.Run(test.name, func(t *testing.T) {
			response, answer := do(t, s.client(t), test.method, s.url+test.path, test.contentType, test.body)
			if response.StatusCode != test.status {
				t.Errorf("status %d; want %d", response.StatusCode, test.status)
			}
			if got := response.Header.Get("Content-Type"); got != test.answerType {
				t.Errorf("Content-Type %q; want %q", got, test.answerType)
			}
			if !strings.Contains(answer, test.answer) {
				t.Errorf("body %q; want %q", answer, test.answer)
			}
			if allow := response.Header.Get("Allow"); response.StatusCode == 405 && allow != "GET, HEAD, POST" {
				t.Errorf("Allow: %q", allow)
			}
		})
	}
}

func TestStatusesOfCodes(t *testing.T) { overAll(t, testStatusesOfCodes) }

func testStatusesOfCodes(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	want := []int{499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 404, 500, 503, 500, 401}
	for i, status := range want {
		code := rpc.Code(i + 1)
		body := fmt.Sprintf(`{"name": "divide", "params": {"num1": %d}}`, codes+i+1)
		response, answer := do(t, s.client(t), "POST", s.url, "application/json", body)
		if response.StatusCode != status || !strings.Contains(answer, code.String()) {
			t.Errorf("%v: status %d, %s; want %d", code, response.StatusCode, answer, status)
		}
	}
}

func TestPageExampleWorks(t *testing.T) {
	t.Parallel()
	curl := testenv.Need(t, "curl")
	s := serve(t, nettest.TCP, rpc.ServerLimits{})
	_, page := do(t, s.client(t), "GET", s.url, "", "")
	_, command, ok := strings.Cut(page, "    curl ")
	if !ok {
		t.Fatalf("the page has no command:\n%s", page)
	}
	got, err := exec.CommandContext(t.Context(), "sh", "-c", curl+" -sS "+command).CombinedOutput()
	if err != nil || string(got) != "{\"result\": 100}\r\n" {
		t.Errorf("curl says %q, %v", got, err)
	}
}

// A page of another origin that is open in a browser must not be able to call.
func TestOtherOriginsAreRefused(t *testing.T) { overAll(t, testOtherOriginsAreRefused) }

func testOtherOriginsAreRefused(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	body := strings.NewReader(`{"name": "divide", "params": {"num1": 1}}`)
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := s.client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("status %d; want 403", response.StatusCode)
	}
}

func TestHTTP2WithoutTLS(t *testing.T) { overAll(t, testHTTP2WithoutTLS) }

func testHTTP2WithoutTLS(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	transport := s.transport(t)
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: transport}
	response, answer := do(t, client, "POST", s.url, "application/json", `{"name": "divide", "params": {"num1": 2}}`)
	if response.ProtoMajor != 2 || answer != "{\"result\": 2}\r\n" {
		t.Errorf("%s, %q; want HTTP/2.0 and a result", response.Proto, answer)
	}
}

func TestHandlerEndsWithItsConnection(t *testing.T) { overAll(t, testHandlerEndsWithItsConnection) }

func testHandlerEndsWithItsConnection(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	ctx, cancel := context.WithCancel(t.Context())
	body := strings.NewReader(`{"name": "divide", "params": {"num1": 777}}`)
	r, err := http.NewRequestWithContext(ctx, "POST", s.url, body)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if response, err := s.client(t).Do(r); err == nil {
			response.Body.Close()
		}
	}()
	handlers := <-s.waiting
	cancel()
	select {
	case <-handlers.Done():
	case <-time.After(10 * time.Second):
		t.Error("the handler's context lives on after the caller left")
	}
}

// lateAnswer gives a server a connection of which head was read, and returns what comes back, and when.
func lateAnswer(t *testing.T, s *site, head, rest string) (answer string, took time.Duration) {
	t.Helper()
	near, far := net.Pipe()
	defer near.Close()
	began := time.Now()
	go s.ServeConn(far, []byte(head), new(rpc.Peer))
	go io.WriteString(near, rest)
	got, _ := io.ReadAll(near)
	return string(got), time.Since(began)
}

// A connection that comes once the server shuts down was accepted before, and so has a request.
func TestLateConnectionsAreAnswered(t *testing.T) {
	t.Parallel()
	s := serve(t, nettest.TCP, rpc.ServerLimits{})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	const request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 41\r\n\r\n" +
		`{"name": "divide", "params": {"num1": 2}}`
	for name, n := range map[string]int{"whole": len(request), "in the middle of a header": 20, "nothing": 0} {
		if got, _ := lateAnswer(t, s, request[:n], request[n:]); !strings.HasSuffix(got, "{\"result\": 2}\r\n") ||
			!strings.Contains(got, "Connection: close") {
			t.Errorf("%s: answered %q", name, got)
		}
	}
	if got, took := lateAnswer(t, s, request[:20], ""); !strings.HasPrefix(got, "HTTP/1.1 408 ") ||
		took > 5*time.Second {
		t.Errorf("half a request: answered %q after %v; want 408 within a second", got, took)
	}
	s.Close()
	if got, _ := lateAnswer(t, s, request, ""); got != "" {
		t.Errorf("after Close: answered %q", got)
	}
}

func TestCloseWaitsForHandlers(t *testing.T) { overAll(t, testCloseWaitsForHandlers) }

func testCloseWaitsForHandlers(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	go func() {
		body := strings.NewReader(`{"name": "divide", "params": {"num1": 777}}`)
		if response, err := s.client(t).Post(s.url, "application/json", body); err == nil {
			response.Body.Close()
		}
	}()
	<-s.waiting
	s.Close()
	if n := s.running.Load(); n != 0 {
		t.Errorf("%d handlers run after Close", n)
	}
}

func TestCallTimeBoundsHandlers(t *testing.T) { overAll(t, testCallTimeBoundsHandlers) }

func testCallTimeBoundsHandlers(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{CallTime: time.Millisecond})
	response, answer := do(t, s.client(t), "POST", s.url, "application/json",
		`{"name": "divide", "params": {"num1": 777}}`)
	if response.StatusCode != http.StatusGatewayTimeout || !strings.Contains(answer, "deadline_exceeded") {
		t.Errorf("%d %s; want 504 and deadline_exceeded", response.StatusCode, answer)
	}
}

func TestBodyIsNotBelievedBeforeItIsHere(t *testing.T) {
	overAll(t, testBodyIsNotBelievedBeforeItIsHere)
}

func testBodyIsNotBelievedBeforeItIsHere(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{Limits: rpc.Limits{Message: 1 << 30, MessageTime: 10 * time.Millisecond}})
	nc, err := s.listener.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	fmt.Fprintf(nc, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{", 1<<30)
	got, _ := io.ReadAll(nc)
	if !bytes.HasPrefix(got, []byte("HTTP/1.1 408 ")) || !bytes.Contains(got, []byte("the body cannot be read")) {
		t.Errorf("answered %q", got)
	}
}
