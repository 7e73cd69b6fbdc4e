package measure

import (
	"context"

	"github.com/yodelrpc/yodel/bench/system"
)

// idle opens connections and weighs the server before and after.
func (r *run) idle(ctx context.Context) (Result, error) {
	defer r.close()
	const first = 10 // these have the server allocate what it holds only once
	if err := r.dial(ctx, first); err != nil {
		return Result{}, err
	}
	before, err := r.server.ask(askCollected)
	if err != nil {
		return Result{}, err
	}
	if err := r.dial(ctx, r.spec.Callers); err != nil {
		return Result{}, err
	}
	after, err := r.server.ask(askCollected)
	if err != nil {
		return Result{}, err
	}
	grown := float64(after.Heap+after.Stack) - float64(before.Heap+before.Stack)
	return Result{
		Spec:     r.spec,
		Version:  r.system.Version(),
		Peer:     r.system.Role == system.Peer,
		Calls:    int64(r.spec.Callers),
		Server:   Side{RSS: float64(after.RSS)},
		IdleSize: grown / float64(r.spec.Callers),
	}, nil
}
