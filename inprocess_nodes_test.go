package yodel_test

import (
	"context"
	"io"
	"iter"

	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
)

func (l local) Nodes(ctx context.Context, stream *rpc.BidiStream[everything.Node, everything.Node]) error {
	for n, err := range l.nodes(ctx, stream.All()) {
		if err == nil {
			err = stream.Send(ctx, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// callNodes calls Nodes with all of nodes, and yields what comes.
func callNodes(ctx context.Context, c *everything.CalculatorClient,
	nodes iter.Seq[everything.Node]) iter.Seq2[everything.Node, error] {
	return func(yield func(everything.Node, error) bool) {
		left := false
		err := c.Nodes(ctx, func(ctx context.Context,
			stream *rpc.BidiStream[everything.Node, everything.Node]) error {
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			go func() {
				for n := range nodes {
					if err := stream.Send(ctx, n); err != nil {
						if err != io.EOF {
							cancel(err)
						}
						return
					}
				}
				_ = stream.CloseSend()
			}()
			for {
				n, err := stream.Recv(ctx)
				switch {
				case err == io.EOF:
					return nil
				case err != nil && ctx.Err() != nil:
					return context.Cause(ctx)
				case err != nil:
					return err
				}
				if left = !yield(n, nil); left {
					return nil
				}
			}
		})
		if err != nil && !left {
			yield(everything.Node{}, err)
		}
	}
}
