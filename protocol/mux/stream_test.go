package mux_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/rpc"
)

var byZeroOnly = []func() rpc.Exception{func() rpc.Exception { return new(byZero) }}

// The methods with streams. Elements are bytes; what feed takes is how many and of which size.
var (
	feed = rpc.NewServerStreaming[numbers, blob](rpc.Method{
		Service: "test.Streams", Name: "feed", ServerStream: true, Exceptions: byZeroOnly,
	}, func(b *blob) *[]byte { return &b.Data })
	gather = rpc.NewClientStreaming[blob, quotient](rpc.Method{
		Service: "test.Streams", Name: "gather", ClientStream: true, Exceptions: byZeroOnly,
	}, func(b *blob) *[]byte { return &b.Data })
	chat = rpc.NewBidiStreaming[blob, blob](rpc.Method{
		Service: "test.Streams", Name: "chat", ClientStream: true, ServerStream: true, Exceptions: byZeroOnly,
	}, func(b *blob) *[]byte { return &b.Data }, func(b *blob) *[]byte { return &b.Data })
)

// streamHandlers are what the methods do. Nil members have defaults.
type streamHandlers struct {
	feed   func(ctx context.Context, in *numbers) iter.Seq2[[]byte, error]
	gather func(ctx context.Context, elements iter.Seq2[[]byte, error]) (float32, error)
	chat   func(ctx context.Context, stream *talk) error
}

func (h streamHandlers) service() *rpc.Service {
	if h.feed == nil {
		h.feed = feedNumbered
	}
	if h.gather == nil {
		h.gather = gatherSizes
	}
	if h.chat == nil {
		h.chat = echoAll
	}
	return rpc.NewService("test.Streams",
		feed.Handle(h.feed),
		gather.Handle(func(ctx context.Context, _ *blob, elements iter.Seq2[[]byte, error], out *quotient) (err error) {
			out.Result, err = h.gather(ctx, elements)
			return err
		}),
		chat.Handle(func(ctx context.Context, _ *blob, stream *talk) error { return h.chat(ctx, stream) }),
	)
}

// talk is one end of a chat.
type talk = rpc.BidiStream[[]byte, []byte]

func echoAll(ctx context.Context, stream *talk) error {
	for b, err := range stream.All() {
		if err == nil {
			err = stream.Send(ctx, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exchangeAll sends all elements in a chat, and yields what comes.
func exchangeAll(ctx context.Context, ch rpc.Channel, elements iter.Seq[[]byte]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		left := false
		err := chat.Call(ctx, ch, nil, func(ctx context.Context, stream *talk) error {
			sent := make(chan struct{})
			defer func() { <-sent }()
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			go func() {
				defer close(sent)
				for b := range elements {
					if stream.Send(ctx, b) != nil {
						return
					}
				}
				_ = stream.CloseSend()
			}()
			for b, err := range stream.All() {
				if err != nil {
					return err
				}
				if left = !yield(b, nil); left {
					return nil
				}
			}
			return nil
		})
		if err != nil && !left {
			yield(nil, err)
		}
	}
}

// pattern returns message number i of n bytes.
func pattern(i, n int) []byte {
	b := make([]byte, n)
	r := rand.NewPCG(uint64(i), 1)
	for j := 0; j+8 <= n; j += 8 {
		v := r.Uint64()
		for k := range 8 {
			b[j+k] = byte(v >> (8 * k))
		}
	}
	if n > 0 {
		b[n-1] = byte(i)
	}
	return b
}

func feedNumbered(_ context.Context, in *numbers) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i := range int(in.A) {
			if !yield(pattern(i, int(in.B)), nil) {
				return
			}
		}
	}
}

func gatherSizes(_ context.Context, elements iter.Seq2[[]byte, error]) (float32, error) {
	sum := 0
	for b, err := range elements {
		if err != nil {
			return 0, err
		}
		sum += len(b)
	}
	return float32(sum), nil
}

// patterns yields n messages of each size.
func patterns(n int, size int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range n {
			if !yield(pattern(i, size)) {
				return
			}
		}
	}
}

// checkPatterns reads what patterns yields.
func checkPatterns(t *testing.T, all iter.Seq2[[]byte, error], n, size int) {
	t.Helper()
	i := 0
	for b, err := range all {
		if err != nil {
			t.Errorf("message %d: %v", i, err)
			return
		}
		if !bytes.Equal(b, pattern(i, size)) {
			t.Errorf("message %d of %d bytes is not what was sent, but %d bytes", i, size, len(b))
			return
		}
		i++
	}
	if i != n {
		t.Errorf("%d messages of %d bytes came, %d were sent", i, size, n)
	}
}

// Every kind carries messages of every size in their order, over every network.
func TestStreamsCarryMessages(t *testing.T) {
	t.Parallel()
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, n, rpc.ServerLimits{}, streamHandlers{}.service()).conn(t)
			for size, count := range map[int]int{0: 5000, 1: 5000, 100: 3000, 4 << 10: 300, 40 << 10: 100, 65536: 50,
				1 << 20: 4, 4<<20 - 10: 2} {
				checkPatterns(t, feed.Call(t.Context(), c, &numbers{int32(count), int32(size)}), count, size)
				checkPatterns(t, exchangeAll(t.Context(), c, patterns(count, size)), count, size)
				got, err := gather.Call(t.Context(), c, nil, patterns(count, size))
				if err != nil || got.Result != float32(count*size) {
					t.Errorf("gather: %v, %v, want %d bytes", got.Result, err, count*size)
				}
			}
		})
	}
}

// The sizes of messages in one stream may be any, also around the sizes at which they go another way.
func TestStreamOfMixedSizes(t *testing.T) {
	t.Parallel()
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, n, rpc.ServerLimits{}, streamHandlers{}.service()).conn(t)
			r := rand.New(rand.NewPCG(1, 2))
			var sizes []int
			for range 400 {
				switch r.IntN(4) {
				case 0:
					sizes = append(sizes, r.IntN(20))
				case 1:
					sizes = append(sizes, r.IntN(5000))
				case 2:
					sizes = append(sizes, (4<<10)<<r.IntN(6)-8+r.IntN(16))
				default:
					sizes = append(sizes, r.IntN(200_000))
				}
			}
			sent := func(yield func([]byte) bool) {
				for i, size := range sizes {
					if !yield(pattern(i, size)) {
						return
					}
				}
			}
			i := 0
			for b, err := range exchangeAll(t.Context(), c, sent) {
				if err != nil || !bytes.Equal(b, pattern(i, sizes[i])) {
					t.Fatalf("message %d of %d bytes: %d bytes, %v", i, sizes[i], len(b), err)
				}
				i++
			}
			if i != len(sizes) {
				t.Errorf("%d messages came, %d were sent", i, len(sizes))
			}
		})
	}
}

func TestStreamEndsWithDeclaredException(t *testing.T) {
	t.Parallel()
	c := serve(t, nettest.TCP, rpc.ServerLimits{}, streamHandlers{
		feed: func(context.Context, *numbers) iter.Seq2[[]byte, error] {
			return func(yield func([]byte, error) bool) {
				_ = yield([]byte("one"), nil) && yield(nil, &byZero{Message: string(pattern(0, 0)) + "no more"})
			}
		},
	}.service()).conn(t)
	n := 0
	for b, err := range feed.Call(t.Context(), c, new(numbers)) {
		if err == nil {
			if n++; string(b) != "one" {
				t.Errorf("got %q", b)
			}
			continue
		}
		if e, ok := errors.AsType[*byZero](err); !ok || e.Message != "no more" {
			t.Errorf("got %v", err)
		}
		n += 10
	}
	if n != 11 {
		t.Errorf("got %d", n)
	}
}

// A message over the limit is an error at its sender, and ends the stream.
func TestStreamMessageOverTheLimit(t *testing.T) {
	t.Parallel()
	limits := rpc.ServerLimits{Limits: rpc.Limits{Message: 100_000}}
	c := serve(t, nettest.TCP, limits, streamHandlers{}.service()).conn(t)
	_, err := gather.Call(t.Context(), c, nil, patterns(3, 100_001))
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.ResourceExhausted {
		t.Errorf("from the client: %v", err)
	}
	for _, err = range feed.Call(t.Context(), c, &numbers{3, 100_001}) {
		if err == nil {
			t.Error("a message over the limit came")
		}
	}
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Code != rpc.ResourceExhausted {
		t.Errorf("from the server: %v", err)
	}
}

// A stream whose reader stops takes no more than its window, and other streams and calls go on.
func TestStoppedReaderDelaysNobody(t *testing.T) {
	t.Parallel()
	for _, n := range nettest.All {
		t.Run(n.Name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, n, rpc.ServerLimits{}, streamHandlers{}.service(), handlers{}.service()).conn(t)
			next, stop := iter.Pull2(feed.Call(t.Context(), c, &numbers{1 << 30, 1000}))
			defer stop()
			if _, err, ok := next(); err != nil || !ok {
				t.Fatal(err)
			}
			for range 20 {
				checkPatterns(t, feed.Call(t.Context(), c, &numbers{100, 10_000}), 100, 10_000)
				if q, err := callDivide(t.Context(), c, 6, 2); q != 3 || err != nil {
					t.Fatal(q, err)
				}
			}
			for i := 1; i < 1000; i++ { // and it goes on where it was
				b, err, _ := next()
				if err != nil || !bytes.Equal(b, pattern(i, 1000)) {
					t.Fatalf("message %d: %d bytes, %v", i, len(b), err)
				}
			}
		})
	}
}

// A Recv may have a context of its own, whose end leaves the stream as it is.
func TestRecvWithContextOfItsOwn(t *testing.T) {
	t.Parallel()
	c := serve(t, nettest.TCP, rpc.ServerLimits{}, streamHandlers{}.service()).conn(t)
	err := c.Call(t.Context(), rpc.NewStreamCall(&chat.Method, func(ctx context.Context, s rpc.Stream) error {
		short, cancel := context.WithCancel(ctx)
		cancel()
		var b blob
		if err := s.Recv(short, &b); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		soon := rpc.WithTimeout(ctx, 1)
		if err := s.Recv(soon, &b); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := s.Send(ctx, &blob{[]byte("still here")}); err != nil {
			return err
		}
		if err := s.Recv(ctx, &b); err != nil || string(b.Data) != "still here" {
			t.Errorf("got %q, %v", b.Data, err)
		}
		if err := s.CloseSend(); err != nil {
			return err
		}
		if err := s.Recv(ctx, &b); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		return nil
	}))
	if err != nil {
		t.Error(err)
	}
}
