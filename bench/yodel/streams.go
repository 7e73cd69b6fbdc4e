package yodel

import (
	"context"
	"io"
	"iter"

	"github.com/yodelrpc/yodel/bench/system"
	"github.com/yodelrpc/yodel/bench/yodel/bench"
	"github.com/yodelrpc/yodel/rpc"
)

func (handler) Feed(_ context.Context, count, size int32) iter.Seq2[[]byte, error] {
	payload := make([]byte, size)
	return func(yield func([]byte, error) bool) {
		for range count {
			if !yield(payload, nil) {
				return
			}
		}
	}
}

func (handler) Gather(_ context.Context, payload iter.Seq2[[]byte, error]) (n int64, err error) {
	for _, err := range payload {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func (handler) Chat(ctx context.Context, stream *rpc.BidiStream[[]byte, []byte]) error {
	for {
		b, err := stream.Recv(ctx)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = stream.Send(ctx, b)
		}
		if err != nil {
			return err
		}
	}
}

// streams are what package system asks for, of the generated client.
type streams struct{ client *bench.Client }

func (s streams) Feed(ctx context.Context, count, size int) error {
	next := 0
	for b, err := range s.client.Feed(ctx, int32(count), int32(size)) {
		if err != nil {
			return err
		}
		if len(b) == size {
			next++
		}
	}
	return system.Gathered(int64(next), count, nil)
}

func (s streams) Gather(ctx context.Context, count int, payload []byte) error {
	n, err := s.client.Gather(ctx, func(yield func([]byte) bool) {
		for range count {
			if !yield(payload) {
				return
			}
		}
	})
	return system.Gathered(n, count, err)
}

func (s streams) Chat(ctx context.Context, count int, payload []byte) error {
	return s.client.Chat(ctx, func(ctx context.Context, stream *rpc.BidiStream[[]byte, []byte]) error {
		return system.Both(
			func() error {
				return system.SendAll(count, func() error { return stream.Send(ctx, payload) }, stream.CloseSend)
			},
			func() error {
				return system.ReceiveAll(count, len(payload), func() ([]byte, error) { return stream.Recv(ctx) })
			})
	})
}
