package yodel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/rpc"
)

// Connect makes the channel's connections, which else its first calls do, and returns why one of them cannot be made:
// for programs that would rather end at their start than with their first call. A channel that waits for ready goes on
// trying until ctx ends. Calls are made as before if it fails.
func (ch *Channel) Connect(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	links, err := ch.links(ctx, deadline)
	for i := 0; err == nil && i < len(links); i++ {
		_, err = links[i].Conn(ctx, nil, deadline)
	}
	switch {
	case errors.Is(err, link.ErrClosed):
		err = &rpc.Error{Code: rpc.FailedPrecondition, Message: errClosed.Error(), Outcome: rpc.OutcomeNotStarted}
		fallthrough
	case err != nil:
		return fmt.Errorf("cannot connect to %s: %w", ch.target, err)
	}
	return nil
}

// links returns the channel's links, for which it waits until the resolver has told of them.
func (ch *Channel) links(ctx context.Context, expiry time.Time) ([]*link.Link, error) {
	if ch.only != nil {
		return []*link.Link{ch.only}, nil
	}
	r, err := ch.servers.roster(ctx, nil, expiry, ch.patient)
	if err != nil {
		return nil, err
	}
	var links []*link.Link
	for _, m := range r.members {
		links = append(links, m.link)
	}
	return links, nil
}
