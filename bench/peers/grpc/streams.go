package grpc

import (
	"context"
	"io"

	"google.golang.org/grpc"

	"github.com/yodelrpc/yodel/bench/peers/pb"
	"github.com/yodelrpc/yodel/bench/system"
)

func (server) Feed(req *pb.FeedRequest, stream grpc.ServerStreamingServer[pb.Chunk]) error {
	chunk := &pb.Chunk{Payload: make([]byte, req.Size)}
	for range req.Count {
		if err := stream.Send(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (server) Gather(stream grpc.ClientStreamingServer[pb.Chunk, pb.GatherResponse]) error {
	n := int64(0)
	for {
		switch _, err := stream.Recv(); {
		case err == io.EOF:
			return stream.SendAndClose(&pb.GatherResponse{Count: n})
		case err != nil:
			return err
		}
		n++
	}
}

func (server) Chat(stream grpc.BidiStreamingServer[pb.Chunk, pb.Chunk]) error {
	for {
		chunk, err := stream.Recv()
		if err == io.EOF {
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
	stream, err := c.streams.Feed(ctx, &pb.FeedRequest{Count: int32(count), Size: int32(size)})
	if err != nil {
		return err
	}
	return system.ReceiveAll(count, size, func() ([]byte, error) {
		chunk, err := stream.Recv()
		return chunk.GetPayload(), err
	})
}

func (c *conn) Gather(ctx context.Context, count int, payload []byte) error {
	stream, err := c.streams.Gather(ctx)
	if err != nil {
		return err
	}
	var res *pb.GatherResponse
	chunk := &pb.Chunk{Payload: payload}
	err = system.SendAll(count, func() error { return stream.Send(chunk) }, func() (err error) {
		res, err = stream.CloseAndRecv()
		return err
	})
	return system.Gathered(res.GetCount(), count, err)
}

func (c *conn) Chat(ctx context.Context, count int, payload []byte) error {
	stream, err := c.streams.Chat(ctx)
	if err != nil {
		return err
	}
	chunk := &pb.Chunk{Payload: payload}
	return system.Both(
		func() error {
			return system.SendAll(count, func() error { return stream.Send(chunk) }, stream.CloseSend)
		},
		func() error {
			return system.ReceiveAll(count, len(payload), func() ([]byte, error) {
				chunk, err := stream.Recv()
				return chunk.GetPayload(), err
			})
		})
}
