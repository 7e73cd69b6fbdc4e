package yodel_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/internal/tlstest"
)

// What a peer may have sent when it falls silent, on each protocol.
var silences = []struct{ name, sent string }{
	{"nothing", ""},
	{"half a length of basic", "\x00\x00"},
	{"half a request of basic", basicRequest[:len(basicRequest)-3]},
	{"a request of basic and half another", basicRequest + basicRequest[:7]},
	{"half a request of line", jsonRequest[:len(jsonRequest)/2]},
	{"a request of line and half another", jsonRequest + "\n" + jsonRequest[:7]},
	{"half the magic of mux", "\xd7Y"},
	{"half a preface of mux", "\xd7YDL\x01"},
	{"a preface of mux without settings", "\xd7YDL\x01\x00\x00\x00"},
	{"a preface and settings of mux", muxHello},
	{"a preface and settings of mux, and half a frame", muxHello + "\x20\x00\x00\x00\x02"},
	{"half a request line of HTTP", "POST / HT"},
	{"half a header of HTTP", "POST / HTTP/1.1\r\nHost: a\r\n"},
	{"half a body of HTTP", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"},
	{"a request of HTTP and half another", "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"},
	{"half a preface of HTTP/2", "PRI * HTTP/2.0\r\n"},
	{"a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	{"a preface and settings of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"},
	{"half a record of TLS", "\x16\x03\x01\x02"},
}

const muxHello = "\xd7YDL\x01\x00\x00\x00" + "\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"

// Nothing but calls that run holds Shutdown for longer than a second, whatever a peer has sent before it fell silent.
func TestSilentPeersDoNotHoldShutdown(t *testing.T) {
	t.Parallel()
	const patience = 5 * time.Second // a second, on a machine that is busy
	for _, test := range silences {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ln, dialRaw := listenAt(t, "tcp", "127.0.0.1:0")
			srv := serve(t, yodel.ServerOptions{}, ln)
			nc := dialRaw(t)
			if _, err := io.WriteString(nc, test.sent); err != nil {
				t.Fatal(err)
			}
			readWhatComes(nc)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			began := time.Now()
			if err := srv.Shutdown(ctx); err != nil || time.Since(began) > patience {
				t.Errorf("Shutdown = %v after %v", err, time.Since(began))
			}
		})
	}
}

// readWhatComes reads until the server has been silent for a moment, in which it has read what it was sent.
func readWhatComes(nc net.Conn) {
	_ = nc.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	_, _ = io.Copy(io.Discard, nc)
}

// What stays in the middle of a TLS handshake has a second in all as well, and none beside to take in why.
func TestHalfAHandshakeHoldsShutdownForASecond(t *testing.T) {
	t.Parallel()
	a := tlstest.New(t, "authority")
	synctest.Test(t, func(t *testing.T) {
		ln := nettest.ListenMemory()
		srv := serve(t, yodel.ServerOptions{TLS: a.Server()}, ln)
		nc, err := ln.Dial(t.Context())
		_, _ = io.WriteString(must(t, nc, err), "\x16\x03\x01\x00\xff\x01")
		synctest.Wait()
		began := time.Now()
		if err := srv.Shutdown(t.Context()); err != nil || time.Since(began) > time.Second {
			t.Errorf("Shutdown = %v after %v", err, time.Since(began))
		}
	})
}
