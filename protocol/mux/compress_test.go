package mux_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/compress/gzip"
	"github.com/yodelrpc/yodel/compress/s2"
	"github.com/yodelrpc/yodel/compress/zstd"
	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

const fCompressed = 0x20

// always compresses with the given codecs.
func always(codecs ...compress.Codec) compress.Options {
	return compress.Options{Codecs: codecs, Policy: compress.Always, Stats: new(compress.Stats)}
}

// serveCompressing is serve with compression of answers.
func serveCompressing(t *testing.T, n nettest.Network, o compress.Options, services ...*rpc.Service) *fixture {
	t.Helper()
	return serveWith(t, n, rpc.DispatcherOptions{Compress: o, Logger: slog.New(slog.DiscardHandler)}, services...)
}

// connCompressing is conn with compression of arguments.
func (f *fixture) connCompressing(t *testing.T, o compress.Options) *mux.Conn {
	t.Helper()
	c, err := mux.Dial(context.Background(), rpc.ConnOptions{Dial: f.dial, Address: "test", Compress: o})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// sums returns what was counted for a method, requests first.
func sums(t *testing.T, s *compress.Stats, method string, requests bool) compress.MethodStats {
	t.Helper()
	for _, m := range s.Methods() {
		if m.Method == method && m.Requests == requests {
			return m
		}
	}
	return compress.MethodStats{}
}

func prose(n int) []byte {
	return bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog; "), n/45+1)[:n]
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(7, uint64(n)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Messages of all sizes come whole, whatever they are compressed with, and the same in both directions.
func TestCompressedCalls(t *testing.T) {
	t.Parallel()
	for _, codec := range []compress.Codec{s2.Codec(), zstd.Codec(), gzip.Codec()} {
		for _, n := range nettest.All {
			t.Run(codec.Name+" over "+n.Name, func(t *testing.T) {
				t.Parallel()
				ours, theirs := always(codec), always(codec)
				c := serveCompressing(t, n, theirs, handlers{}.service()).connCompressing(t, ours)
				count, total := 0, 0
				for _, size := range []int{0, 1, 500, 5000, 40_000, 65_500, 70_000, 300_000, 4<<20 - 10} {
					for _, data := range [][]byte{prose(size), noise(size)} {
						got, err := callEcho(t.Context(), c, data)
						if err != nil || !bytes.Equal(got, data) {
							t.Fatalf("%d bytes: %d bytes, %v", size, len(got), err)
						}
					}
					if size >= 5000 {
						count++
						total += 2 * size
					}
				}
				for requests, s := range map[bool]*compress.Stats{true: ours.Stats, false: theirs.Stats} {
					m := sums(t, s, "test.Test/echo", requests)
					if int(m.Sent) != count || int(m.Dropped) != count || m.Compressed > m.Bytes*6/10 ||
						m.Bytes < int64(total) {
						t.Errorf("requests %v: counted %+v", requests, m)
					}
				}
			})
		}
	}
}

// Many callers at once, over pooled buffers and encoders, each get what is theirs.
func TestCompressedConcurrently(t *testing.T) {
	t.Parallel()
	o := always(s2.Codec(), zstd.Codec())
	c := serveCompressing(t, nettest.TCP, o, handlers{}.service()).connCompressing(t, o)
	done := make(chan error, 16)
	for i := range cap(done) {
		go func() {
			for k := range 30 {
				data := append([]byte{byte(i), byte(k)}, prose(600*(i+1)*(k%4+1))...)
				if got, err := callEcho(t.Context(), c, data); err != nil || !bytes.Equal(got, data) {
					done <- errors.Join(err, errors.New("the wrong bytes"))
					return
				}
			}
			done <- nil
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Exceptions are compressed as results are.
func TestCompressedException(t *testing.T) {
	t.Parallel()
	text := string(prose(100_000))
	o := always(zstd.Codec())
	service := rpc.NewService("test.Test", divide.Handle(func(context.Context, *numbers, *quotient) error {
		return &byZero{Message: text}
	}))
	c := serveCompressing(t, nettest.TCP, o, service).connCompressing(t, o)
	_, err := callDivide(t.Context(), c, 1, 0)
	if e, ok := errors.AsType[*byZero](err); !ok || e.Message != text {
		t.Errorf("%.100v", err)
	}
	if m := sums(t, o.Stats, "test.Test/divide", false); m.Sent != 1 {
		t.Errorf("counted %+v", m)
	}
}

// The sides use what both have, by name, whatever the order; and nothing where there is nothing.
func TestCodecsAgreedOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		client, server []compress.Codec
		agree          bool
	}{
		"other order": {
			[]compress.Codec{s2.Codec(), gzip.Codec(), zstd.Codec()}, []compress.Codec{zstd.Codec(), s2.Codec()}, true,
		},
		"the last":    {[]compress.Codec{s2.Codec(), gzip.Codec()}, []compress.Codec{zstd.Codec(), gzip.Codec()}, true},
		"none common": {[]compress.Codec{s2.Codec()}, []compress.Codec{zstd.Codec(), gzip.Codec()}, false},
		"client only": {[]compress.Codec{s2.Codec()}, nil, false},
		"server only": {nil, []compress.Codec{zstd.Codec()}, false},
	} {
		ours, theirs := always(test.client...), always(test.server...)
		c := serveCompressing(t, nettest.TCP, theirs, handlers{}.service()).connCompressing(t, ours)
		data := prose(20_000)
		if got, err := callEcho(t.Context(), c, data); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		sent := sums(t, ours.Stats, "test.Test/echo", true).Sent == 1
		answered := sums(t, theirs.Stats, "test.Test/echo", false).Sent == 1
		if sent != test.agree || answered != test.agree {
			t.Errorf("%s: compressed arguments %v, answer %v", name, sent, answered)
		}
	}
}

// A call, or its handler, may choose otherwise than the options.
func TestCompressionOfOneCall(t *testing.T) {
	t.Parallel()
	service := rpc.NewService("test.Test", echo.Handle(func(ctx context.Context, in, out *blob) error {
		out.Data = in.Data
		if in.Data[0] == '!' {
			rpc.CompressAnswer(ctx, compress.Never)
		}
		return nil
	}))
	ours, theirs := always(s2.Codec()), always(s2.Codec())
	c := serveCompressing(t, nettest.TCP, theirs, service).connCompressing(t, ours)
	call := func(ctx context.Context, first string) {
		t.Helper()
		if _, err := callEcho(ctx, c, append([]byte(first), prose(5000)...)); err != nil {
			t.Error(err)
		}
	}
	call(rpc.WithCompression(t.Context(), compress.Never), "x")
	call(rpc.WithCompression(t.Context(), compress.Auto), "x") // loopback, where it does not pay
	call(t.Context(), "!")
	if m := sums(t, ours.Stats, "test.Test/echo", true); m.Sent != 1 || m.Unwanted != 2 {
		t.Errorf("arguments: %+v", m)
	}
	if m := sums(t, theirs.Stats, "test.Test/echo", false); m.Sent != 2 || m.Unwanted != 1 {
		t.Errorf("answers: %+v", m)
	}
}

// codecSetting is the setting that names codecs.
func codecSetting(names string) string {
	var b strings.Builder
	for len(names)%4 != 0 {
		names += "\x00"
	}
	for ; names != ""; names = names[4:] {
		b.WriteString(u16(9) + names[:4])
	}
	return b.String()
}

// rawCompressing is rawClient with the codecs of the given names.
func rawCompressing(t *testing.T, f *fixture, names string) raw {
	t.Helper()
	nc, err := f.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	r := raw{t, nc}
	r.send(hello + frame(tSettings, 0, 0, 0, codecSetting(names)))
	_, _ = io.ReadFull(nc, make([]byte, len(hello)))
	if got := r.read(); got.kind != tSettings || !strings.HasSuffix(got.body, codecSetting("s2,zstd")) {
		t.Fatalf("the server's first frame is %+v", got)
	}
	return r
}

// packed is a compressed message: by codec number n, of size bytes it says.
func packed(n byte, size int, data []byte) string {
	return string([]byte{n}) + u32(size) + string(data)
}

// Compressed messages that nobody agreed on end the connection, with the reason.
func TestCompressionViolations(t *testing.T) {
	t.Parallel()
	f := serveCompressing(t, nettest.TCP, always(s2.Codec(), zstd.Codec()), handlers{}.service())
	name := named("test.Test/divide")
	for _, test := range []struct{ name, codecs, body, reason string }{
		{"no codecs", "", packed(0, 4, nil), "no codec in common"},
		{"none in common", "gzip,lz4", packed(0, 4, nil), "no codec in common"},
		{"no such number", "s2,zstd", packed(2, 4, nil), "codec number 2, where this side has 2"},
		{"not the client's", "s2", packed(1, 4, nil), "zstd, which the peer's settings do not name"},
		{"nothing", "s2,zstd", "", "without a codec's number"},
	} {
		r := rawCompressing(t, f, test.codecs)
		r.send(frame(tCall, fName|fCompressed, 0, 1, name+test.body))
		frames := r.readAll()
		if len(frames) != 1 || frames[0].kind != tGoAway || !strings.Contains(frames[0].body, test.reason) {
			t.Errorf("%s: %+v, want %q", test.name, frames, test.reason)
		}
	}
	r := rawCompressing(t, f, "s2")
	r.send(frame(tCall, fName|fPieces|fCompressed, 0, 1, name+u32(100)+"\x01")) // the first piece tells
	if frames := r.readAll(); len(frames) != 1 || !strings.Contains(frames[0].body, "do not name") {
		t.Errorf("in pieces: %+v", frames)
	}
	r = rawCompressing(t, f, strings.Repeat("x", 513))
	if frames := r.readAll(); len(frames) != 1 || !strings.Contains(frames[0].body, "names of codecs over") {
		t.Errorf("long names: %+v", frames)
	}
}

// Compressed messages that cannot be decompressed, or would be too large, are answers, and the connection goes on.
func TestUnreadableCompressedArguments(t *testing.T) {
	t.Parallel()
	f := serveCompressing(t, nettest.TCP, always(s2.Codec(), zstd.Codec()), handlers{}.service())
	r := rawCompressing(t, f, "s2,zstd")
	message := []byte("\x08\x06\x10\x02" + strings.Repeat("\x08\x06", 1000))
	good := s2.Codec().Compress(nil, message)
	bomb := zstd.Codec().Compress(nil, make([]byte, 64<<20))
	for i, test := range []struct {
		name, body, text string
		code             rpc.Code
	}{
		{"cut", packed(0, len(message), good[:20]), "corrupt compressed data", rpc.InvalidArgument},
		{"only a number", "\x00", "ends before its length", rpc.InvalidArgument},
		{"the other codec's", packed(1, len(message), good), "corrupt compressed data", rpc.InvalidArgument},
		{"more than it says", packed(0, len(message)-1, good), "more bytes than allowed", rpc.InvalidArgument},
		{"fewer than it says", packed(0, len(message)+1, good), "not the one that it tells", rpc.InvalidArgument},
		{"over the limit", packed(0, 4<<20+1, good), "4194305 bytes, over the limit", rpc.ResourceExhausted},
		{"4 GiB less a byte", packed(0, -1, good), "over the limit", rpc.ResourceExhausted},
		{"a bomb", packed(1, 4<<20, bomb), "more bytes than allowed", rpc.InvalidArgument},
	} {
		r.send(frame(tCall, fName|fCompressed, 0, uint32(i), named("test.Test/divide")+test.body))
		got := r.read()
		if got.kind != tError || rpc.Code(got.body[0]) != test.code || !strings.Contains(got.body, test.text) {
			t.Errorf("%s: %+v, want %q", test.name, got, test.text)
		}
	}
	r.send(frame(tCall, fCompressed, 0, 99, packed(0, len(message), good)))
	if got := r.read(); got.kind != tResult || got.body != "\x0d\x00\x00\x40\x40" {
		t.Errorf("the call after those: %+v", got)
	}
	whole := packed(0, len(message), good)
	r.send(frame(tCall, fCompressed|fPieces, 0, 100, u32(len(whole))+whole[:1]))
	for i := 1; i < len(whole); i++ {
		r.send(frame(tMore, 0, 0, 100, whole[i:i+1]))
	}
	if got := r.read(); got.kind != tResult || got.body != "\x0d\x00\x00\x40\x40" {
		t.Errorf("in pieces of a byte: %+v", got)
	}
}

// So it is with answers, at the client.
func TestUnreadableCompressedAnswers(t *testing.T) {
	t.Parallel()
	good := s2.Codec().Compress(nil, []byte("\x0d\x00\x00\x40\x40"))
	for _, test := range []struct {
		name, codecs, body, text string
		code                     rpc.Code
	}{
		{"cut", "s2", packed(0, 5, good[:2]), "corrupt compressed data", rpc.Internal},
		{"over the limit", "s2", packed(0, 4<<20+1, good), "over the limit", rpc.ResourceExhausted},
		{"another length", "s2", packed(0, 6, good), "not the one", rpc.Internal},
		{"no agreement", "", packed(0, 5, good), "no codec in common", rpc.Unavailable},
		{"no such codec", "s2", packed(1, 5, good), "codec number 1", rpc.Unavailable},
	} {
		ours, theirs := net.Pipe()
		server := raw{t, theirs}
		go func() {
			_, _ = io.ReadFull(theirs, make([]byte, len(hello)))
			_ = server.read() // the client's settings
			server.send(hello + frame(tSettings, 0, 0, 0, codecSetting(test.codecs)))
			server.send(frame(tResult, fCompressed, 0, server.read().id, test.body))
			_ = readToEnd(theirs)
		}()
		c, err := mux.Dial(t.Context(), rpc.ConnOptions{
			Dial:     func(context.Context) (net.Conn, error) { return ours, nil },
			Compress: always(s2.Codec()),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = callDivide(t.Context(), c, 6, 2)
		e, ok := errors.AsType[*rpc.Error](err)
		if !ok || e.Code != test.code || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, want %q", test.name, err, test.text)
		}
		_ = c.Close()
	}
}

// A codec that panics is the call's error, at either side.
func TestCodecPanics(t *testing.T) {
	t.Parallel()
	broken := s2.Codec()
	broken.Compress = func(_, _ []byte) []byte { panic("boom") }
	for name, test := range map[string]struct{ client, server compress.Codec }{
		"client": {broken, s2.Codec()}, "server": {s2.Codec(), broken},
	} {
		c := serveCompressing(t, nettest.TCP, always(test.server), handlers{}.service()).
			connCompressing(t, always(test.client))
		if _, err := callEcho(t.Context(), c, prose(5000)); err == nil || !strings.Contains(err.Error(), "panic") {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := callDivide(t.Context(), c, 6, 2); got != 3 || err != nil {
			t.Errorf("%s: the next call: %v, %v", name, got, err)
		}
	}
}
