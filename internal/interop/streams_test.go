package interop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/interop/feeds"
	"github.com/yodelrpc/yodel/rpc"
)

// A feeder answers like feeding.py.
type feeder struct {
	mu   sync.Mutex
	ends feeds.Ends
}

func (f *feeder) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends.Running++
}

func (f *feeder) end(how string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ends.Running--
	f.ends.Ends = append(f.ends.Ends, how)
}

func (f *feeder) Ends(context.Context) (feeds.Ends, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return feeds.Ends{Running: f.ends.Running, Ends: slices.Clone(f.ends.Ends)}, nil
}

func (f *feeder) Count(_ context.Context, to, from int32) iter.Seq2[int32, error] {
	return func(yield func(int32, error) bool) {
		for i := from; i < max(to, -to); i++ {
			if !yield(i, nil) {
				return
			}
		}
		if to < 0 {
			yield(0, &feeds.Enough{Message: "no more", Count: -to})
		}
	}
}

func (f *feeder) Feed(_ context.Context, n, size int32) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		f.begin()
		for i := range n {
			if !yield(bytes.Repeat([]byte{byte(i)}, int(size)), nil) {
				f.end("left")
				return
			}
		}
		f.end("done")
	}
}

func (f *feeder) Hang(ctx context.Context) iter.Seq2[int32, error] {
	return func(func(int32, error) bool) {
		f.begin()
		<-ctx.Done()
		f.end(ctx.Err().Error())
	}
}

func (f *feeder) Sum(_ context.Context, nums iter.Seq2[int32, error]) (sum int64, err error) {
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		if n < 0 {
			return 0, &feeds.Enough{Count: -n}
		}
		sum += int64(n)
	}
	return sum, nil
}

func (f *feeder) Gather(_ context.Context, prefix string, parts iter.Seq2[[]byte, error]) (string, error) {
	var sizes []string
	for part, err := range parts {
		if err != nil {
			return "", err
		}
		sizes = append(sizes, fmt.Sprint(len(part)))
	}
	return prefix + strings.Join(sizes, ","), nil
}

func (f *feeder) Drain(_ context.Context, lines iter.Seq2[string, error]) error {
	for _, err := range lines {
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *feeder) Chat(ctx context.Context, prefix string, stream *rpc.BidiStream[string, string]) error {
	for message, err := range stream.All() {
		switch {
		case err != nil:
			return err
		case message == "enough":
			return &feeds.Enough{Count: 1}
		case message == "denied":
			ends := &feeds.Ends{Running: 7, Ends: []string{"x"}}
			return rpc.NewError(rpc.PermissionDenied, "not you").WithDetails(ends)
		}
		if err := stream.Send(ctx, prefix+message); err != nil {
			return err
		}
	}
	return nil
}

func (f *feeder) Echo(ctx context.Context, stream *rpc.BidiStream[[]byte, []byte]) error {
	for part, err := range stream.All() {
		if err != nil {
			return err
		}
		if err := stream.Send(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func TestPythonStreamsClient(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := yodel.NewServer(feeds.NewFeedsService(new(feeder)))
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.WithoutCancel(t.Context()), ln) }()
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
	}()
	if out, err := python(t, "stream_client.py", ln.Addr().String()).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPythonStreamsServer(t *testing.T) {
	t.Parallel()
	for _, class := range pythonServers {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			addr, _, _ := startPythonProgram(t, "stream_server.py", class)
			ch, err := yodel.Dial("mux://" + addr)
			if err != nil {
				t.Fatal(err)
			}
			defer ch.Close()
			c := feeds.NewFeedsClient(ch)
			testStreamOfResults(t, c)
			testStreamOfArguments(t, c)
			testStreamOfBoth(t, c)
			testStreamEnds(t, c)
		})
	}
}

func testStreamOfResults(t *testing.T, c *feeds.FeedsClient) {
	for size, n := range map[int32]int32{0: 2000, 10: 2000, 40_000: 50, 1 << 20: 4, 4<<20 - 10: 2} {
		var i int32
		for part, err := range c.Feed(t.Context(), n, feeds.Size(size)) {
			if err != nil || !bytes.Equal(part, bytes.Repeat([]byte{byte(i)}, int(size))) {
				t.Fatalf("message %d of %d bytes: %d bytes, %v", i, size, len(part), err)
			}
			i++
		}
		if i != n {
			t.Errorf("%d messages of %d bytes, want %d", i, size, n)
		}
	}
	var got []int32
	for n, err := range c.Count(t.Context(), -3) {
		if err == nil {
			got = append(got, n)
		} else if enough, ok := errors.AsType[*feeds.Enough](err); !ok || enough.Count != 3 {
			t.Errorf("count ends with %v", err)
		}
	}
	if !slices.Equal(got, []int32{0, 1, 2}) {
		t.Errorf("count gives %v", got)
	}
}

func testStreamOfArguments(t *testing.T, c *feeds.FeedsClient) {
	if got, err := c.Sum(t.Context(), slices.Values([]int32{1, 0, 300})); err != nil || got != 301 {
		t.Errorf("sum: %d, %v", got, err)
	}
	if _, err := c.Sum(t.Context(), slices.Values([]int32{1, -2, 3})); err == nil {
		t.Error("sum of a negative number is no error")
	} else if enough, ok := errors.AsType[*feeds.Enough](err); !ok || enough.Count != 2 {
		t.Errorf("sum ends with %v", err)
	}
	got, err := c.Gather(t.Context(), "sizes: ", func(yield func([]byte) bool) {
		for _, size := range []int{0, 70_000, 1 << 20, 4<<20 - 10} {
			if !yield(make([]byte, size)) {
				return
			}
		}
	})
	if err != nil || got != "sizes: 0,70000,1048576,4194294" {
		t.Errorf("gather: %q, %v", got, err)
	}
	if err := c.Drain(t.Context(), slices.Values([]string{"a", ""})); err != nil {
		t.Errorf("drain: %v", err)
	}
}

func testStreamOfBoth(t *testing.T, c *feeds.FeedsClient) {
	err := c.Chat(t.Context(), "> ", func(ctx context.Context, stream *rpc.BidiStream[string, string]) error {
		for _, text := range []string{"a", "", strings.Repeat("b", 100_000)} {
			if err := stream.Send(ctx, text); err != nil {
				return err
			}
			if got, err := stream.Recv(ctx); err != nil || got != "> "+text {
				t.Errorf("%.10q comes back as %.10q, %v", text, got, err)
			}
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		if _, err := stream.Recv(ctx); err != io.EOF {
			t.Errorf("the end is %v", err)
		}
		return nil
	})
	if err != nil {
		t.Errorf("chat: %v", err)
	}
	err = c.Chat(t.Context(), "", func(ctx context.Context, stream *rpc.BidiStream[string, string]) error {
		if err := stream.Send(ctx, "denied"); err != nil {
			return err
		}
		_, err := stream.Recv(ctx)
		return err
	})
	var ends feeds.Ends
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok || e.Code != rpc.PermissionDenied || !e.Detail(&ends) || ends.Running != 7 {
		t.Errorf("chat: %v with %+v", err, ends)
	}
}

// testStreamEnds ends streams at the client, and looks whether the handlers have ended.
func testStreamEnds(t *testing.T, c *feeds.FeedsClient) {
	for _, err := range c.Feed(t.Context(), 1<<30) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	for _, err := range c.Hang(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled stream gives %v", err)
		}
	}
	short, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	for _, err := range c.Feed(short, 1<<30) {
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a stream past its deadline gives %v", err)
		}
	}
	for {
		ends, err := c.Ends(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ends.Running == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
}
