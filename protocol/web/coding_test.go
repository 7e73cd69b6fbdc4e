package web_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/compress/gzip"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/internal/testenv"
	"github.com/yodelrpc/yodel/rpc"
)

// An echoing handler answers with its argument.
type echoing struct{ every.EchoHandler }

func (echoing) Strings(_ context.Context, value string) (string, error) { return value, nil }

func withGzip() compress.Options { return compress.Options{Codecs: []compress.Codec{gzip.Codec()}} }

func serveGzip(t *testing.T, n nettest.Network, limits rpc.ServerLimits) *site {
	t.Helper()
	return serveWith(t, n, rpc.DispatcherOptions{Limits: limits, Compress: withGzip()},
		every.NewEchoService(echoing{}), divide.NewService(quick{}))
}

func echoBody(n int) string {
	return fmt.Sprintf(`{"name": "Echo.strings", "params": {"value": %q}}`, strings.Repeat("x", n))
}

// zip returns b in gzip.
func zip(b string) string { return string(gzip.Codec().Compress(nil, []byte(b))) }

// send sends a request with the fields, and returns the answer with its body as it came.
func (s *site) send(t *testing.T, http2 bool, body string, fields ...string) (*http.Response, string) {
	t.Helper()
	transport := s.transport(t)
	transport.DisableCompression = true // of net/http's own
	if http2 {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(answer)
}

func unzip(t *testing.T, b string) string {
	t.Helper()
	r, err := stdgzip.NewReader(strings.NewReader(b))
	if err != nil {
		t.Fatalf("%v: %.40q", err, b)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestContentCodings(t *testing.T) { overAll(t, testContentCodings) }

func testContentCodings(t *testing.T, n nettest.Network) {
	s := serveGzip(t, n, rpc.ServerLimits{})
	const accept, content = "Accept-Encoding", "Content-Encoding"
	large, small := echoBody(20_000), echoBody(10)
	for _, test := range []struct {
		name, body string
		fields     []string
		status     int
		coded      bool   // the answer
		answer     string // what it contains
	}{
		{"nothing asked", large, nil, 200, false, "xxxx"},
		{"asked", large, []string{accept, "gzip"}, 200, true, "xxxx"},
		{"small", small, []string{accept, "gzip"}, 200, false, "xxxx"},
		{"small, and nothing else accepted", small, []string{accept, "gzip, identity;q=0"}, 200, true, "xxxx"},
		{"another asked", large, []string{accept, "br"}, 200, false, "xxxx"},
		{"two fields", large, []string{accept, "br", accept, "gzip"}, 200, true, "xxxx"},
		{"refused", large, []string{accept, "gzip;q=0"}, 200, false, "xxxx"},
		{"identity preferred", large, []string{accept, "gzip;q=0.5, identity"}, 200, false, "xxxx"},
		{"nothing acceptable", large, []string{accept, "br, identity;q=0"}, 406, false, "takes no answer"},
		{"sent", zip(small), []string{content, "gzip"}, 200, false, "xxxx"},
		{"sent and asked", zip(large), []string{content, "gzip", accept, "gzip"}, 200, true, "xxxx"},
		{"x-gzip", zip(small), []string{content, "X-Gzip"}, 200, false, "xxxx"},
		{"identity", small, []string{content, "identity"}, 200, false, "xxxx"},
		{"unknown", small, []string{content, "br"}, 415, false, `send one of gzip, or none`},
		{"twice", zip(zip(small)), []string{content, "gzip, gzip"}, 415, false, "invalid_argument"},
		{"twice, two fields", zip(zip(small)), []string{content, "gzip", content, "gzip"}, 415, false,
			"invalid_argument"},
		{"not gzip", small, []string{content, "gzip"}, 400, false, "is not whole and valid gzip"},
		{"cut", zip(small)[:len(zip(small))-5], []string{content, "gzip"}, 400, false, "is not whole and valid gzip"},
		{"empty", "", []string{content, "gzip"}, 400, false, "is not whole and valid gzip"},
		{"more behind", zip(small) + "x", []string{content, "gzip"}, 400, false, "is not whole and valid gzip"},
		{"a wrong sum", flip(zip(small), -6), []string{content, "gzip"}, 400, false, "is not whole and valid gzip"},
		{"too long", zip(echoBody(5 << 20)), []string{content, "gzip"}, 413, false, "when it is decompressed"},
		{"an error", zip(`{"name": "nothing"}`), []string{content, "gzip"}, 404, false, "unimplemented"},
	} {
		for _, http2 := range []bool{false, true} {
			response, answer := s.send(t, http2, test.body, test.fields...)
			coded := response.Header.Get(content) == "gzip"
			if response.StatusCode != test.status || coded != test.coded {
				t.Errorf("%s, %s: status %d, coded %t, %.200q; want %d and %t", test.name, response.Proto,
					response.StatusCode, coded, answer, test.status, test.coded)
				continue
			}
			if coded {
				answer = unzip(t, answer)
			}
			if !strings.Contains(answer, test.answer) {
				t.Errorf("%s: %.200q; want %q", test.name, answer, test.answer)
			}
			if got := response.Header.Get(accept); (got == "gzip") != (test.status == 415) {
				t.Errorf("%s: status %d with Accept-Encoding: %q", test.name, test.status, got)
			}
			if got := response.Header.Get("Vary"); (got == accept) != (test.status != 415) {
				t.Errorf("%s: Vary is %q", test.name, got)
			}
		}
	}
}

func flip(s string, at int) string {
	b := []byte(s)
	b[len(b)+at] ^= 1
	return string(b)
}

// Without codecs there are no codings, and with the policy Never none of answers.
func TestNoContentCodings(t *testing.T) {
	t.Parallel()
	s := serveServices(t, nettest.Memory, rpc.ServerLimits{}, every.NewEchoService(echoing{}))
	response, answer := s.send(t, false, echoBody(20_000), "Accept-Encoding", "gzip")
	if response.Header.Get("Content-Encoding")+response.Header.Get("Vary") != "" || !strings.Contains(answer, "xxxx") {
		t.Errorf("without codecs: %v", response.Header)
	}
	response, answer = s.send(t, false, zip(echoBody(1)), "Content-Encoding", "gzip")
	if response.StatusCode != 415 || response.Header.Get("Accept-Encoding") != "identity" ||
		!strings.Contains(answer, "send none") {
		t.Errorf("without codecs: status %d, %v, %s", response.StatusCode, response.Header, answer)
	}
	o := rpc.DispatcherOptions{Compress: withGzip()}
	o.Compress.Policy = compress.Never
	s = serveWith(t, nettest.Memory, o, every.NewEchoService(echoing{}))
	response, answer = s.send(t, false, zip(echoBody(20_000)), "Accept-Encoding", "gzip", "Content-Encoding", "gzip")
	if response.Header.Get("Content-Encoding")+response.Header.Get("Vary") != "" || !strings.Contains(answer, "xxxx") {
		t.Errorf("Never: %v", response.Header)
	}
}

// 512 MiB of zeros are not decompressed to be refused.
func TestContentCodingBomb(t *testing.T) {
	var bomb bytes.Buffer
	w, err := stdgzip.NewWriterLevel(&bomb, stdgzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 512 {
		_, _ = w.Write(zeros)
	}
	w.Close()
	s := serveGzip(t, nettest.Memory, rpc.ServerLimits{})
	for _, http2 := range []bool{false, true} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		response, answer := s.send(t, http2, bomb.String(), "Content-Encoding", "gzip")
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		t.Logf("a bomb of %d bytes: %v, %d KiB allocated", bomb.Len(), took, (after.TotalAlloc-before.TotalAlloc)>>10)
		if response.StatusCode != 413 || !strings.Contains(answer, "resource_exhausted") {
			t.Errorf("status %d, %s", response.StatusCode, answer)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
			t.Errorf("%d MiB were allocated, in all", n>>20)
		}
	}
}

// A codec that panics costs its call.
func TestContentCodingThatPanics(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"compress", "decompress"} {
		codec := gzip.Codec()
		if where == "compress" {
			codec.Compress = func(_, _ []byte) []byte { panic("a test panics") }
		} else {
			codec.Decompress = func(_, _ []byte, _ int) ([]byte, error) { panic("a test panics") }
		}
		o := rpc.DispatcherOptions{Compress: compress.Options{Codecs: []compress.Codec{codec}}}
		s := serveWith(t, nettest.Memory, o, every.NewEchoService(echoing{}))
		response, answer := s.send(t, false, zip(echoBody(20_000)), "Content-Encoding", "gzip", "Accept-Encoding",
			"gzip")
		if response.StatusCode != 500 || !strings.Contains(answer, "internal") || strings.Contains(answer, "a test") {
			t.Errorf("%s: status %d, %s", where, response.StatusCode, answer)
		}
	}
}

// The client asks for answers in its codecs, and sends arguments in the first where it is told to.
func TestClientContentCodings(t *testing.T) { overAll(t, testClientContentCodings) }

func testClientContentCodings(t *testing.T, n nettest.Network) {
	counts, theirs := new(compress.Stats), new(compress.Stats)
	o := rpc.DispatcherOptions{Compress: withGzip()}
	o.Compress.Stats = theirs
	s := serveWith(t, n, o, every.NewEchoService(echoing{}))
	for _, test := range []struct {
		policy   compress.Policy
		requests bool // in gzip
	}{{compress.Auto, false}, {compress.Always, true}, {compress.Never, false}} {
		asked := withGzip()
		asked.Policy, asked.Stats = test.policy, counts
		before := total(theirs, false)
		sent := total(counts, true)
		c := every.NewEchoClient(channel{s.dial(t, rpc.ConnOptions{Compress: asked})})
		for _, size := range []int{1, 100_000} {
			want := strings.Repeat("y", size)
			if got, err := c.Strings(t.Context(), want); got != want || err != nil {
				t.Errorf("%v: %d bytes, %v", test.policy, len(got), err)
			}
		}
		if n := total(theirs, false) - before; n != 1 {
			t.Errorf("%v: %d answers came in gzip; want the large one", test.policy, n)
		}
		if n := total(counts, true) - sent; (n == 1) != test.requests {
			t.Errorf("%v: %d requests were sent in gzip", test.policy, n)
		}
	}
}

func total(s *compress.Stats, requests bool) (n int64) {
	for _, m := range s.Methods() {
		if m.Requests == requests {
			n += m.Sent
		}
	}
	return n
}

// What a server cannot read it has not run, and what the client cannot read was answered.
func TestClientContentCodingFaults(t *testing.T) {
	t.Parallel()
	always := withGzip()
	always.Policy = compress.Always
	plain := serveServices(t, nettest.Memory, rpc.ServerLimits{}, every.NewEchoService(echoing{}))
	c := every.NewEchoClient(channel{plain.dial(t, rpc.ConnOptions{Compress: always})})
	_, err := c.Strings(t.Context(), strings.Repeat("y", 100_000))
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.InvalidArgument ||
		!strings.Contains(e.Message, "send none") {
		t.Errorf("a server without codecs: %v", err)
	}
	result := `{"result": 1}`
	for name, test := range map[string]struct {
		coding, body string
		code         rpc.Code
		outcome      rpc.Outcome
	}{
		"corrupt":  {"gzip", flip(zip(result), -6), rpc.DataLoss, rpc.OutcomeAnswered},
		"cut":      {"gzip", zip(result)[:15], rpc.DataLoss, rpc.OutcomeAnswered},
		"too long": {"gzip", zip(result + strings.Repeat(" ", 100_000)), rpc.ResourceExhausted, rpc.OutcomeAnswered},
		"unknown":  {"br", "\x1b\x00", rpc.Unknown, rpc.OutcomeUnknown},
		"twice":    {"gzip, gzip", zip(zip(result)), rpc.Unknown, rpc.OutcomeUnknown},
	} {
		to := answerWith(t, nettest.Memory, func(nc net.Conn, _ []byte) {
			fmt.Fprintf(nc, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s", test.coding,
				len(test.body), test.body)
		})
		c := dial(t, rpc.ConnOptions{Limits: rpc.Limits{Message: 4000}, Compress: withGzip()}, to)
		_, err := divide.NewClient(c).Divide(t.Context(), 1)
		t.Log(name, err)
		wantCode(t, err, test.code, test.outcome)
	}
}

// The example of PROTOCOL.md.
func TestCurlReadsGzip(t *testing.T) {
	t.Parallel()
	curl := testenv.Need(t, "curl")
	s := serveGzip(t, nettest.TCP, rpc.ServerLimits{})
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `gzip | "$0" -sS --compressed -D - -H 'Content-Type: application/json' \
		-H 'Content-Encoding: gzip' --data-binary @- "$1"`, curl, s.url)
	cmd.Stdin = strings.NewReader(echoBody(20_000))
	got, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(got), "Content-Encoding: gzip\r\n") ||
		!strings.HasSuffix(string(got), "xxxx\"}\r\n") {
		t.Errorf("curl says %.300q, %v", got, err)
	}
}
