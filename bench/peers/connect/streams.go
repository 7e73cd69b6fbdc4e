package connect

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"

	"github.com/yodelrpc/yodel/bench/peers/pb"
	"github.com/yodelrpc/yodel/bench/system"
)

func (server) Feed(
	_ context.Context, req *connect.Request[pb.FeedRequest], stream *connect.ServerStream[pb.Chunk],
) error {
	chunk := &pb.Chunk{Payload: make([]byte, req.Msg.Size)}
	for range req.Msg.Count {
		if err := stream.Send(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (server) Gather(
	_ context.Context, stream *connect.ClientStream[pb.Chunk],
) (*connect.Response[pb.GatherResponse], error) {
	n := int64(0)
	for stream.Receive() {
		n++
	}
	return connect.NewResponse(&pb.GatherResponse{Count: n}), stream.Err()
}

func (server) Chat(_ context.Context, stream *connect.BidiStream[pb.Chunk, pb.Chunk]) error {
	for {
		chunk, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = stream.Send(chunk)
		}
		if err != nil {
			return err
		}
	}
}

func (c *conn) Feed(ctx context.Context, count, size int) error {
	stream, err := c.streams.Feed(ctx, connect.NewRequest(&pb.FeedRequest{Count: int32(count), Size: int32(size)}))
	if err != nil {
		return err
	}
	defer stream.Close()
	return system.ReceiveAll(count, size, func() ([]byte, error) {
		if !stream.Receive() {
			if err := stream.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		return stream.Msg().Payload, nil
	})
}

func (c *conn) Gather(ctx context.Context, count int, payload []byte) error {
	stream := c.streams.Gather(ctx)
	chunk := &pb.Chunk{Payload: payload}
	var res *connect.Response[pb.GatherResponse]
	err := system.SendAll(count, func() error { return stream.Send(chunk) }, func() (err error) {
		res, err = stream.CloseAndReceive()
		return err
	})
	if err != nil {
		return err
	}
	return system.Gathered(res.Msg.Count, count, nil)
}

func (c *conn) Chat(ctx context.Context, count int, payload []byte) error {
	stream := c.streams.Chat(ctx)
	defer stream.CloseResponse()
	chunk := &pb.Chunk{Payload: payload}
	return system.Both(
		func() error {
			return system.SendAll(count, func() error { return stream.Send(chunk) }, stream.CloseRequest)
		},
		func() error {
			return system.ReceiveAll(count, len(payload), func() ([]byte, error) {
				chunk, err := stream.Receive()
				return chunk.GetPayload(), err
			})
		})
}
