package packing

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/compress/gzip"
	"github.com/yodelrpc/yodel/compress/s2"
	"github.com/yodelrpc/yodel/compress/zstd"
	"github.com/yodelrpc/yodel/wire"
)

type fakeConn struct {
	net.Conn
	remote net.Addr
}

func (c fakeConn) RemoteAddr() net.Addr { return c.remote }

var far = fakeConn{remote: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}}

func TestIsLocal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		addr net.Addr
		want bool
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, true},
		{&net.TCPAddr{IP: net.IPv4(127, 5, 0, 1)}, true},
		{&net.TCPAddr{IP: net.IPv6loopback}, true},
		{&net.UnixAddr{Name: "@x"}, true},
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}, false},
		{&net.TCPAddr{}, false},
		{&net.IPAddr{}, false},
		{nil, false},
	} {
		if got := isLocal(test.addr); got != test.want {
			t.Errorf("isLocal(%v) = %v", test.addr, got)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	o := &compress.Options{Codecs: []compress.Codec{s2.Codec(), zstd.Codec()}}
	if got := Names(o); got != "s2,zstd" {
		t.Errorf("Names gives %q", got)
	}
	for names, want := range map[string]string{
		"": "", ",": "", "lz4": "", "s2": "\x00", "zstd,s2": "\x01\x00", "s2,s2": "\x00", "a,b,,zstd,s2 ": "\x03",
		strings.Repeat("x,", 7) + "zstd": "\x07", strings.Repeat("x,", 8) + "zstd": "",
	} {
		c := New(o, names, far)
		if (c != nil) != (want != "") || c != nil && string(c.numbers) != want {
			t.Errorf("with %q: %+v, want numbers % x", names, c, want)
		}
	}
	if New(new(compress.Options), "s2", far) != nil {
		t.Error("something is agreed on without codecs")
	}
}

// packMessage packs data, behind some bytes, as a frame has it.
func packMessage(m *Method, data []byte, p compress.Policy, share bool) (flag uint8, sent []byte) {
	var enc wire.Encoder
	if enc.Reset([]byte("head")); share {
		enc.ResetSharing([]byte("head"), 128)
	}
	enc.PutBytes(1, data)
	flag = m.Pack(&enc, 4, p)
	for _, s := range enc.Segments() {
		sent = append(sent, s...)
	}
	return flag, sent[4:]
}

func FuzzUnpack(f *testing.F) {
	o := &compress.Options{Codecs: []compress.Codec{s2.Codec(), zstd.Codec(), gzip.Codec()}, Policy: compress.Always}
	for i, name := range []string{"s2", "zstd", "gzip"} {
		m := New(o, strings.Repeat("x,", i)+name, far).Method("m", true)
		for _, share := range []bool{false, true} {
			flag, sent := packMessage(m, bytes.Repeat([]byte("some text, "), 1000), compress.Always, share)
			if flag == 0 {
				f.Fatalf("%s does not compress", name)
			}
			f.Add(sent, 20_000)
			f.Add(sent, 100)
		}
	}
	f.Add([]byte{0}, 10)
	f.Add([]byte{9, 0, 0, 0, 0}, 10)
	c := New(o, Names(o), far)
	f.Fuzz(func(t *testing.T, packed []byte, limit int) {
		limit = int(uint(limit) % (1 << 20))
		if c.Check(packed) != nil {
			return
		}
		message, over, err := c.Unpack(packed, limit)
		if len(message) > limit || over > 0 && over <= limit || (err != nil || over > 0) && message != nil {
			t.Fatalf("%d bytes, %d over, %v; the limit is %d", len(message), over, err, limit)
		}
	})
}

// What Pack makes is what Unpack takes, whether or not the encoder shares what it has.
func TestPackAndUnpack(t *testing.T) {
	t.Parallel()
	o := &compress.Options{Codecs: []compress.Codec{s2.Codec(), zstd.Codec()}, Policy: compress.Always}
	c := New(o, "zstd,s2", far)
	c.own, c.shared = []compress.Codec{zstd.Codec(), s2.Codec()}, []bool{true, true} // as the peer has them
	for _, n := range []int{600, 5000, 100_000} {
		for _, share := range []bool{false, true} {
			data := bytes.Repeat([]byte("some text, "), n/11)
			_, want := packMessage(c.Method("m", true), data, compress.Never, share)
			flag, sent := packMessage(c.Method("m", true), data, compress.Always, share)
			if flag == 0 || c.Check(sent) != nil {
				t.Fatalf("%d bytes: flag %x, %v", n, flag, c.Check(sent))
			}
			got, over, err := c.Unpack(sent, len(want))
			if err != nil || over != 0 || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, shared %v: %d bytes, %v", n, share, len(got), err)
			}
			if _, over, _ := c.Unpack(sent, len(want)-1); over != len(want) {
				t.Errorf("%d bytes over the limit, want %d", over, len(want))
			}
		}
	}
}
