package rpc_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/yodelrpc/yodel/internal/constraints"
	"github.com/yodelrpc/yodel/rpc"
)

// A checked answers the methods with streams that have constraints.
type checked struct{ constraints.CheckedHandler }

func (checked) Sum(_ context.Context, _ string, nums iter.Seq2[int32, error]) (sum int32, err error) {
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (checked) Count(_ context.Context, to int32) iter.Seq2[int32, error] {
	return func(yield func(int32, error) bool) {
		for i := range to {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (checked) Echo(ctx context.Context, stream *rpc.BidiStream[int32, constraints.Tree]) error {
	for tree, err := range stream.All() {
		if err == nil {
			err = stream.Send(ctx, tree.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// violated returns the paths of what an error refuses.
func violated(t *testing.T, err error) (paths []string) {
	t.Helper()
	if e, ok := errors.AsType[*rpc.Error](err); err != nil && (!ok || e.Code != rpc.InvalidArgument || e.Method == "") {
		t.Errorf("got %v", err)
	}
	for bad := range rpc.DetailsOf[rpc.BadRequest](err) {
		for _, v := range bad.Violations {
			paths = append(paths, v.Field+" "+v.Reason)
		}
	}
	return paths
}

// Each message of a stream is checked, at the server, and at a client that is told to.
func TestStreamsAreChecked(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]rpc.Interceptor{
		"server": func(next rpc.CallFunc) rpc.CallFunc { return next }, "client": rpc.ValidateCalls,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMemory(t, constraints.NewCheckedService(checked{}))
				checkStreams(t, constraints.NewCheckedClient(intercepted(client(m.Call))))
			})
		})
	}
}

func checkStreams(t *testing.T, c *constraints.CheckedClient) {
	expect := func(what string, err error, want ...string) {
		t.Helper()
		if got := violated(t, err); !slices.Equal(got, want) || (err == nil) != (len(want) == 0) {
			t.Errorf("%s: got %q, %v; want %q", what, got, err, want)
		}
	}
	sum, err := c.Sum(t.Context(), "abc", slices.Values([]int32{0, 9, 5}))
	if sum != 14 {
		t.Errorf("the sum is %d", sum)
	}
	expect("sum", err)
	_, err = c.Sum(t.Context(), "four", slices.Values([]int32{1}))
	expect("what is no stream", err, "name LEN")
	_, err = c.Sum(t.Context(), "abc", slices.Values([]int32{1, 2, 10, -1}))
	expect("an element", err, "nums[2] MAX")
	_, err = collect(c.Count(t.Context(), 4))
	expect("the arguments of a stream of results", err, "to MAX")
	got, err := collect(c.Count(t.Context(), 3))
	if len(got) != 3 {
		t.Errorf("counted %v", got)
	}
	expect("count", err)
	var values []int32
	err = c.Echo(t.Context(), exchange(slices.Values([]constraints.Tree{
		{Value: 1}, {Value: 2, Children: []constraints.Tree{{Value: -1}}},
	}), &values))
	if len(values) > 1 {
		t.Errorf("values %v", values)
	}
	expect("a message in an element", err, "trees[1].children[0].value MIN")
}
