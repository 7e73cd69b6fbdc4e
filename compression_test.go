package yodel_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/compress/gzip"
	"github.com/yodelrpc/yodel/examples/divide"
)

// The options of a channel and of a server reach the connection, and their Stats what happens there.
func TestCompressOptions(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("no such thing; ", 1000)
	options := compress.Options{
		Codecs: []compress.Codec{gzip.Codec()}, Policy: compress.Always, Stats: new(compress.Stats),
	}
	srv := yodel.ServerOptions{Compress: options}.NewServer(divide.NewService(handlerFunc(func() error {
		return &divide.InvalidOperation{Message: long}
	})))
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(context.Background(), ln) }()
	defer func() {
		_ = srv.Close()
		<-ended
	}()
	client := dial(t, yodel.DialOptions{Compress: options}, ln.Addr().String())
	want := (&divide.InvalidOperation{Message: long}).Error()
	if _, err := client.Divide(t.Context(), 1); err == nil || err.Error() != want {
		t.Errorf("%.100v", err)
	}
	m := options.Stats.Methods()
	if len(m) != 2 || m[1].Method != "divide.Divide/divide" || m[1].Sent != 1 || m[1].Compressed > 1000 {
		t.Errorf("counted %+v", m)
	}
}

func TestCompressOptionsAreChecked(t *testing.T) {
	t.Parallel()
	twice := compress.Options{Codecs: []compress.Codec{gzip.Codec(), gzip.Codec()}}
	const want = "two codecs have the name gzip"
	_, err := yodel.DialOptions{Compress: twice}.Dial("127.0.0.1:1")
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Dial: %v", err)
	}
	err = yodel.ServerOptions{Compress: twice}.NewServer().ListenAndServe(t.Context(), "127.0.0.1:0")
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("ListenAndServe: %v", err)
	}
}
