package constraints_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/internal/constraints"
	"github.com/yodelrpc/yodel/rpc"
)

// A handler counts the calls that get to it.
type handler struct{ calls atomic.Int32 }

func (h *handler) Check(context.Context, constraints.All) error {
	h.calls.Add(1)
	return nil
}

func (h *handler) Plain(_ context.Context, x int32, _ constraints.Free) (constraints.Free, error) {
	h.calls.Add(1)
	return constraints.Free{X: x}, nil
}

func (h *handler) Args(_ context.Context, low int32, _ string, high int32, _ *int32, _ []int32) (int32, error) {
	h.calls.Add(1)
	return high - low, nil
}

func (h *handler) Sum(_ context.Context, _ string, nums iter.Seq2[int32, error]) (sum int32, err error) {
	for n, err := range nums {
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (h *handler) Count(context.Context, int32) iter.Seq2[int32, error] {
	return func(func(int32, error) bool) {}
}

func (h *handler) Echo(ctx context.Context, stream *rpc.BidiStream[int32, constraints.Tree]) error {
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

// serve serves the services, behind an interceptor that counts, until the end of the test.
func serve(t *testing.T, seen *atomic.Int32, services ...*rpc.Service) (address string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := yodel.ServerOptions{Interceptors: []rpc.Interceptor{func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			seen.Add(1)
			return next(ctx, c)
		}
	}}}.NewServer(services...)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return ln.Addr().String()
}

func dial(t *testing.T, o yodel.DialOptions, target string) *yodel.Channel {
	t.Helper()
	ch, err := o.Dial(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ch.Close() })
	return ch
}

// wants checks that err refuses exactly these values.
func wants(t *testing.T, err error, details bool, outcome rpc.Outcome, want ...string) {
	t.Helper()
	e, ok := errors.AsType[*rpc.Error](err)
	if !ok || e.Code != rpc.InvalidArgument || e.Outcome != outcome || e.Method == "" {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(e.Message, strings.Fields(want[0])[0]+" ") {
		t.Errorf("%q does not say where", e.Message)
	}
	if !details {
		return
	}
	var got []string
	for bad := range rpc.DetailsOf[rpc.BadRequest](err) {
		for _, v := range bad.Violations {
			got = append(got, v.Field+" "+v.Reason)
			if v.Description == "" {
				t.Errorf("%s has no description", v.Field)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A server of either kind refuses what is not as the definition wants it, behind its interceptors and before the
// handler; the caller learns of each value.
func TestCalls(t *testing.T) {
	t.Parallel()
	p := schemas(t)
	var h handler
	services := map[string]*rpc.Service{
		"generated": constraints.NewCheckedService(&h),
		"dynamic": p.Services()[0].NewService(func(context.Context, *dynamic.Method, *dynamic.Message) (any, error) {
			h.calls.Add(1)
			return int32(0), nil
		}),
	}
	for name, service := range services {
		for _, scheme := range []string{"mux", "line", "http", "basic"} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				var seen atomic.Int32
				h.calls.Store(0)
				ch := dial(t, yodel.DialOptions{}, scheme+"://"+serve(t, &seen, service))
				client := constraints.NewCheckedClient(ch)
				details := scheme != "basic"
				_, err := client.Args(t.Context(), 0, "four", []int32{1, 2, 3}, constraints.High(10),
					constraints.Maybe(-1))
				wants(t, err, details, rpc.OutcomeAnswered,
					"low MIN", "name LEN", "high MAX", "maybe MIN", "nums ITEMS")
				if seen.Load() != 1 || h.calls.Load() != 0 {
					t.Errorf("%d calls came to the interceptor, %d to the handler", seen.Load(), h.calls.Load())
				}
				if _, err := client.Args(t.Context(), 1, "abc", []int32{1}); err != nil || h.calls.Load() != 1 {
					t.Errorf("a good call: %v", err)
				}
				all := constraints.NewAll()
				all.Lists.Names = []string{"", "ab"}
				all.Tree.Children = []constraints.Tree{{}, {Choice: constraints.ChoiceDigit{Digit: 10}}}
				all.Secrets.Password = "hunter2"
				err = client.Check(t.Context(), all)
				wants(t, err, details, rpc.OutcomeAnswered, "all.lists.names[0] LEN",
					"all.tree.children[1].choice.digit MAX", "all.secrets.password LEN")
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%v shows what is sensitive", err)
				}
			})
		}
	}
}

// What a client is told to check is not sent, and fails as it would have failed at the server.
func TestClientChecks(t *testing.T) {
	t.Parallel()
	var h handler
	var seen atomic.Int32
	address := serve(t, &seen, constraints.NewCheckedService(&h))
	checks := yodel.DialOptions{Interceptors: []rpc.Interceptor{rpc.ValidateCalls}}
	client := constraints.NewCheckedClient(dial(t, checks, "mux://"+address))
	_, err := client.Args(t.Context(), 0, "abc", []int32{1})
	wants(t, err, true, rpc.OutcomeNotStarted, "low MIN")
	all := constraints.NewAll()
	all.Lists.Names = []string{"a"}
	all.Tree.Choice = &constraints.ChoiceText{} // a pointer to a member is as good as the member
	wants(t, client.Check(t.Context(), all), true, rpc.OutcomeNotStarted, "all.tree.choice.text LEN")
	if seen.Load() != 0 {
		t.Errorf("%d calls were sent", seen.Load())
	}
	if _, err := client.Plain(t.Context(), -1, constraints.Free{}); err != nil {
		t.Error(err)
	}
	p := schemas(t)
	_, err = dynamic.NewClient(dial(t, yodel.DialOptions{}, "mux://"+address), p).Call(t.Context(), "args",
		map[string]any{"low": 0, "name": "a", "nums": []any{1}})
	wants(t, err, true, rpc.OutcomeNotStarted, "low MIN")
	if seen.Load() != 1 {
		t.Errorf("%d calls were sent, want the good one", seen.Load())
	}
}

// Whoever has no code of Yodel's reads the violations as JSON.
func TestOverHTTP(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	address := serve(t, &seen, constraints.NewCheckedService(new(handler)))
	resp, err := http.Post("http://"+address, "application/json",
		strings.NewReader(`{"name": "args", "params": {"low": 0, "name": "a", "nums": [1]}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Fatalf("%s: %s, %v", resp.Status, body, err)
	}
	for _, part := range []string{"google.rpc.BadRequest", `"fieldViolations"`, `"field":"low"`,
		`"description":"is 0, below the minimum 1"`, `"reason":"MIN"`} {
		if !strings.Contains(strings.ReplaceAll(string(body), ": ", ":"), part) {
			t.Errorf("%s lacks %s", body, part)
		}
	}
}

// One error has room for many violations, and counts those that are more.
func TestManyViolations(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"k", strings.Repeat("ä", 4000)} {
		tree := constraints.Tree{Value: -1}
		for range 60 { // so that paths are long
			tree = constraints.Tree{Value: -1, Named: map[string]constraints.Tree{key: tree}}
		}
		e, ok := errors.AsType[*rpc.Error](rpc.Validate(&tree))
		if !ok || !strings.Contains(e.Message, "and 58 more") {
			t.Fatalf("got %v", e)
		}
		details, err := e.EncodeDetails(rpc.DetailJSON, rpc.MaxDetailBytes, rpc.NewLog(nil))
		if err != nil || len(details) != 1 {
			t.Fatalf("%d details travel, %v", len(details), err)
		}
		var bad rpc.BadRequest
		if !e.Detail(&bad) || len(bad.Violations) < 3 || len(bad.Violations) > 32 {
			t.Errorf("%d violations", len(bad.Violations))
		}
	}
}

// Valid arguments cost no allocation, and a message without constraints nothing but the question.
func TestAllocations(t *testing.T) {
	if racing {
		t.Skip("the race detector empties pools")
	}
	all := constraints.NewAll()
	all.Lists.Names = []string{"a"}
	all.Lists.ByNumber = map[int32]uint32{1: 1}
	all.Tree.Choice = constraints.ChoiceDigit{Digit: 1}
	for name, m := range map[string]rpc.Message{"constrained": &all, "free": new(constraints.Free)} {
		if n := testing.AllocsPerRun(100, func() {
			if err := rpc.Validate(m); err != nil {
				t.Error(err)
			}
		}); n > 0.5 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	all := constraints.NewAll()
	all.Lists.Names = []string{"a"}
	messages := []struct {
		name string
		m    rpc.Message
	}{{"free", new(constraints.Free)}, {"one struct", &all.Numbers}, {"patterns", &all.Texts}, {"all", &all}}
	for _, one := range messages {
		b.Run(one.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := rpc.Validate(one.m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Each message of a stream over mux is checked; what is refused ends the stream.
func TestStreams(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	address := serve(t, &seen, constraints.NewCheckedService(new(handler)))
	client := constraints.NewCheckedClient(dial(t, yodel.DialOptions{}, "mux://"+address))
	sum, err := client.Sum(t.Context(), "abc", slices.Values([]int32{0, 9, 5}))
	if sum != 14 || err != nil {
		t.Errorf("%d, %v", sum, err)
	}
	_, err = client.Sum(t.Context(), "four", slices.Values([]int32{1}))
	wants(t, err, true, rpc.OutcomeAnswered, "name LEN")
	_, err = client.Sum(t.Context(), "abc", slices.Values([]int32{1, 2, 10}))
	wants(t, err, true, rpc.OutcomeAnswered, "nums[2] MAX")
	for _, err := range client.Count(t.Context(), 4) {
		wants(t, err, true, rpc.OutcomeAnswered, "to MAX")
	}
	err = client.Echo(t.Context(), func(ctx context.Context, stream *rpc.BidiStream[constraints.Tree, int32]) error {
		for _, tree := range []constraints.Tree{{Value: 1}, {Children: []constraints.Tree{{}, {Value: -1}}}} {
			if err := stream.Send(ctx, tree); err != nil {
				return err
			}
		}
		for _, err := range stream.All() {
			if err != nil {
				return err
			}
		}
		return nil
	})
	wants(t, err, true, rpc.OutcomeAnswered, "trees[1].children[1].value MIN")
}

// A channel within the process holds its callers to the constraints as well, whether messages travel as bytes or not.
func TestInProcess(t *testing.T) {
	t.Parallel()
	for _, serialize := range []bool{false, true} {
		var h handler
		ch := yodel.InProcessOptions{Serialize: serialize}.Channel(yodel.NewServer(constraints.NewCheckedService(&h)))
		client := constraints.NewCheckedClient(ch)
		_, err := client.Args(t.Context(), 0, "abc", []int32{1})
		wants(t, err, true, rpc.OutcomeAnswered, "low MIN")
		_, err = client.Sum(t.Context(), "abc", slices.Values([]int32{1, 10}))
		wants(t, err, true, rpc.OutcomeAnswered, "nums[1] MAX")
		if _, err := client.Args(t.Context(), 1, "abc", []int32{1}); err != nil || h.calls.Load() != 1 {
			t.Errorf("serialize %t: %d calls, %v", serialize, h.calls.Load(), err)
		}
		if err := ch.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A stream of results over line is refused by its arguments.
func TestStreamOverLine(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	address := serve(t, &seen, constraints.NewCheckedService(new(handler)))
	client := constraints.NewCheckedClient(dial(t, yodel.DialOptions{}, "line://"+address))
	var last error
	for _, err := range client.Count(t.Context(), 4) {
		last = err
	}
	wants(t, last, true, rpc.OutcomeAnswered, "to MAX")
}
