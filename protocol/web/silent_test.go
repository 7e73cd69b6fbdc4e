package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/interop/every"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/web"
	"github.com/yodelrpc/yodel/rpc"
)

const divideHeader = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 41\r\n\r\n"
const divideBody = `{"name": "divide", "params": {"num1": 2}}`

// A quick handler returns num1.
type quick struct{}

func (quick) Divide(_ context.Context, num1, _ int32) (float32, error) { return float32(num1), nil }

// A transcript is what came from a server, and whether it has ended the connection.
type transcript struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	ended bool
}

func record(nc net.Conn) *transcript {
	tr := new(transcript)
	go func() {
		var buf [4096]byte
		for {
			n, err := nc.Read(buf[:])
			tr.mu.Lock()
			tr.buf.Write(buf[:n])
			tr.ended = err != nil
			tr.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return tr
}

func (tr *transcript) get() (text string, ended bool) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.buf.String(), tr.ended
}

// Peers that say nothing while the server shuts down hold it for a second at most.
func TestShutdownDoesNotWaitForSilentPeers(t *testing.T) {
	h2request := func(body string) string {
		settings := h2frame(frameSettings, 0, 0, []byte{0, 4, 0, 0, 0, 0}) // a window of no bytes for answers
		headers := h2frame(frameHeaders, flagEndHeaders, 1, h2headers(len(callStrings)))
		flags := byte(0)
		if body == callStrings {
			flags = flagEndStream
		}
		return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + string(settings) + string(headers) +
			string(h2frame(frameData, flags, 1, []byte(body)))
	}
	unread := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(callStrings), callStrings)
	for _, test := range []struct {
		name, sent, answer string
		unread             bool
	}{
		{name: "half a header", sent: divideHeader[:20], answer: "HTTP/1.1 408 "},
		{name: "half a body", sent: divideHeader + divideBody[:10], answer: "HTTP/1.1 408 "},
		{name: "between two requests", sent: divideHeader + divideBody, answer: "HTTP/1.1 408 "},
		{name: "half of the second header", sent: divideHeader + divideBody + divideHeader[:20],
			answer: "HTTP/1.1 408 "},
		{name: "an answer that nobody reads", sent: unread, unread: true},
		{name: "HTTP/2, half a preface", sent: "PRI * HTTP/2.0\r\n"},
		{name: "HTTP/2, a preface", sent: h2request("")[:24+9+6]},
		{name: "HTTP/2, half a header", sent: h2request("")[:24+9+6+12]},
		{name: "HTTP/2, half a body", sent: h2request(callStrings[:10])},
		{name: "HTTP/2, an answer that nobody reads", sent: h2request(callStrings)},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, nc := bubble(t, rpc.ServerLimits{}, divide.NewService(quick{}), every.NewEchoService(&large{}))
				tr := new(transcript)
				if !test.unread {
					tr = record(nc)
				}
				go io.WriteString(nc, test.sent)
				synctest.Wait()
				began := time.Now()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > time.Second+time.Millisecond {
					t.Errorf("Shutdown took %v", took)
				}
				synctest.Wait()
				if got, _ := tr.get(); !strings.Contains(got, test.answer) {
					t.Errorf("the peer got %q; want %q", got, test.answer)
				}
			})
		})
	}
}

// One byte every 9 s does not hold a connection open.
func TestDripFeeding(t *testing.T) {
	body := strings.Repeat(" ", 1000)
	long := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(body))
	for _, test := range []struct {
		name, begin, drip string
		most              time.Duration
	}{
		{"first header", divideHeader[:8], divideHeader[8:], 10 * time.Second},
		{"later header", divideHeader + divideBody + divideHeader[:1], divideHeader[1:], 10 * time.Second},
		{"body", long, body, 30 * time.Second},
		{"later body", divideHeader + divideBody + long, body, 30 * time.Second},
		{"chunked body", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
			strings.Repeat("1\r\n \r\n", 100),
			30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, nc := bubble(t, rpc.ServerLimits{}, divide.NewService(quick{}))
				tr := record(nc)
				io.WriteString(nc, test.begin)
				began := time.Now()
				for i := range len(test.drip) {
					if _, err := io.WriteString(nc, test.drip[i:i+1]); err != nil {
						break
					}
					time.Sleep(9 * time.Second)
				}
				if took := time.Since(began); took > test.most+18*time.Second {
					t.Errorf("the connection was open for %v; want about %v", took, test.most)
				}
				if got, ended := tr.get(); !ended || !strings.Contains(got, "HTTP/1.1 408 ") {
					t.Errorf("answered %q; want 408 and an end", got)
				}
			})
		})
	}
}

// A frame of HTTP/2, or a header of many frames, that has begun after the first request does not stay for ever.
func TestDripFeedingOfFrames(t *testing.T) {
	call := h2frame(frameHeaders, flagEndHeaders, 1, h2headers(len(divideBody)))
	call = append(call, h2frame(frameData, flagEndStream, 1, []byte(divideBody))...)
	header := h2headers(0)
	many := h2frame(frameHeaders, 0, 3, header[:1])
	for i := range header[1:] {
		many = append(many, h2frame(9, 0, 3, header[1+i:2+i])...) // CONTINUATION
	}
	for name, drip := range map[string][]byte{"one": h2frame(frameHeaders, flagEndHeaders, 3, header),
		"several": many} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, nc := bubble(t, rpc.ServerLimits{}, divide.NewService(quick{}))
				p := newH2peer(t, nc, 1<<20)
				p.write(call)
				synctest.Wait()
				time.Sleep(time.Hour) // between two requests there is no limit
				began := time.Now()
				for _, b := range drip {
					p.write([]byte{b})
					time.Sleep(time.Second)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				p.mu.Lock()
				defer p.mu.Unlock()
				if !p.ended[1] || !p.closed || p.closedAt.Sub(began) > 31*time.Second {
					t.Errorf("answered: %v; closed: %v after %v; want the end after 30 s", p.ended[1], p.closed,
						p.closedAt.Sub(began))
				}
			})
		})
	}
}

func TestDripFeedingOfAnswers(t *testing.T) {
	answer := "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"result\": 1}"
	for _, begin := range []int{1, len(answer) - 10} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			go io.Copy(io.Discard, far)
			c := dialWith(t, rpc.ConnOptions{Dial: func(context.Context) (net.Conn, error) { return near, nil },
				Address: "x:1"})
			var server sync.WaitGroup
			server.Go(func() {
				time.Sleep(time.Hour) // the server may think as long as it likes
				io.WriteString(far, answer[:begin])
				for _, b := range []byte(answer[begin:]) {
					time.Sleep(9 * time.Second)
					if _, err := far.Write([]byte{b}); err != nil {
						return
					}
				}
			})
			began := time.Now()
			_, err := divide.NewClient(c).Divide(t.Context(), 1)
			wantCode(t, err, rpc.Unavailable, rpc.OutcomeUnknown)
			if took := time.Since(began) - time.Hour; took != 30*time.Second {
				t.Errorf("the call ended %v after the answer began (%v); want 30 s", took, err)
			}
			far.Close()
			c.Close()
			server.Wait()
		})
	}
}

// Whoever passed such a request on may have gone by its Content-Length, and so have sent another one inside it.
func TestRequestWithTwoLengthsEndsItsConnection(t *testing.T) {
	overAll(t, testRequestWithTwoLengthsEndsItsConnection)
}

func testRequestWithTwoLengthsEndsItsConnection(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{})
	const chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(divideBody), divideBody)
	const hidden = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
	for name, test := range map[string]struct {
		request string
		answers int
	}{
		"both":       {chunked + "Content-Length: 3\r\n\r\n" + chunk + hidden, 1},
		"other case": {chunked + "CONTENT-length:3\r\n\r\n" + chunk + hidden, 1},
		"first": {strings.Replace(chunked, "Transfer", "Content-Length: 3\r\nTransfer", 1) + "\r\n" + chunk +
			hidden, 1},
		"chunked": {chunked + "\r\n" + chunk + chunked + "Connection: close\r\n\r\n" + chunk, 2},
	} {
		nc, err := s.listener.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(nc, test.request)
		got, err := io.ReadAll(nc)
		if n := strings.Count(string(got), "HTTP/1.1 "); n != test.answers || err != nil {
			t.Errorf("%s: %d answers, %v; want %d:\n%s", name, n, err, test.answers, got)
		}
		nc.Close()
	}
}

// What a server sends that nobody asked for is no answer to the next call, and nothing is printed about it.
func TestUnsolicitedAnswers(t *testing.T) {
	var printed bytes.Buffer
	log.SetOutput(&printed)
	defer log.SetOutput(io.Discard)
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"result\": 1}"
	for name, extra := range map[string]string{"an answer": answer, "noise": "hello",
		"a timeout": "HTTP/1.1 408 Request Timeout\r\n\r\n"} {
		to := answerWith(t, nettest.TCP, func(nc net.Conn, _ []byte) {
			io.WriteString(nc, answer+extra)
			io.Copy(io.Discard, nc)
		})
		c := dial(t, rpc.ConnOptions{}, to)
		client := divide.NewClient(c)
		if got, err := client.Divide(t.Context(), 1); got != 1 || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		<-c.Done()
		_, err := client.Divide(t.Context(), 1)
		wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
	}
	if printed.Len() > 0 {
		t.Errorf("printed %q", printed.String())
	}
}

// A server that did not read a whole request says so, and the call has certainly not run.
func TestRequestTimeoutMeansNotStarted(t *testing.T) {
	t.Parallel()
	const timeout = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 58\r\n\r\n" +
		`{"error": {"type": "unavailable", "message": "too late"}}` + "\n"
	to := answerWith(t, nettest.TCP, func(nc net.Conn, _ []byte) { io.WriteString(nc, timeout) })
	c := dial(t, rpc.ConnOptions{}, to)
	_, err := divide.NewClient(c).Divide(t.Context(), 1)
	wantCode(t, err, rpc.Unavailable, rpc.OutcomeNotStarted)
	select {
	case <-c.Done(): // so that a channel sends the call again
	default:
		t.Error("the connection is not done when the call is")
	}
}

// An answer that comes before the request has been read is the answer.
func TestEarlyAnswer(t *testing.T) { overAll(t, testEarlyAnswer) }

func testEarlyAnswer(t *testing.T, n nettest.Network) {
	s := serve(t, n, rpc.ServerLimits{Limits: rpc.Limits{Message: 1000}})
	c := s.dial(t, rpc.ConnOptions{})
	for range 20 {
		_, err := every.NewEchoClient(channel{c}).Strings(t.Context(), strings.Repeat("x", 3<<20))
		wantCode(t, err, rpc.ResourceExhausted, rpc.OutcomeAnswered)
		c = s.dial(t, rpc.ConnOptions{})
	}
}

type channel struct{ *web.Conn }
