package intercept_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/intercept/logging"
	"github.com/yodelrpc/yodel/intercept/ratelimit"
	"github.com/yodelrpc/yodel/intercept/validate"
	"github.com/yodelrpc/yodel/internal/everything"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

func limit(tb testing.TB, o ratelimit.Options) rpc.Interceptor {
	tb.Helper()
	i, err := ratelimit.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return i
}

// Each caller has its own burst and rate, over all protocols and kinds of calls together, and is told when to retry.
func TestRateLimitOfCallers(t *testing.T) {
	t.Parallel()
	hour := ratelimit.Options{Rate: 1.0 / 3600, Burst: 3}
	f := serve(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{
		authenticate(t, auth.Options{Optional: true}), limit(t, hour),
	}}, nil)
	for token, schemes := range map[string][]string{
		billing: {"mux", "http", "in-process", "mux", "http"}, "": {"mux", "basic", "line", "basic", "line", "http"},
	} {
		for i, scheme := range schemes {
			var with []rpc.Interceptor
			if token != "" {
				with = append(with, send(token))
			}
			c, want := f.client(t, scheme, with...), rpc.Code(0)
			if i >= hour.Burst {
				want = rpc.ResourceExhausted
			}
			_, err := c.Divide(t.Context(), 1)
			wantCode(t, fmt.Sprint(token, scheme, i), err, want)
			if want == 0 || scheme == "basic" { // which carries no details
				continue
			}
			found := false
			for retry := range rpc.DetailsOf[rpc.RetryInfo](err) {
				found = retry.RetryDelay > 59*time.Minute && retry.RetryDelay <= time.Hour
			}
			if !found {
				t.Errorf("%s: %v does not say when to try again", scheme, err)
			}
		}
	}
	_, err := f.client(t, "mux", send(billing)).Sum(t.Context(), slices.Values([]int32{1}))
	wantCode(t, "stream", err, rpc.ResourceExhausted)
	if got := f.ran.Load(); got != 6 {
		t.Errorf("%d handlers ran, want 6", got)
	}
}

// callAs makes a call of a server's interceptor in memory; the metadata says which caller it is.
func callAs(i rpc.Interceptor, caller string) error {
	ctx := rpc.NewServerContext(context.Background(), rpc.CallInfo{Metadata: rpc.Metadata{"caller": {caller}}},
		time.Time{})
	return i(func(context.Context, *rpc.Call) error { return nil })(ctx, &rpc.Call{})
}

func byMetadata(ctx context.Context, _ *rpc.Call) string {
	return rpc.IncomingMetadata(ctx).Get("caller")
}

// A caller may call again after the time that it was told, and not before.
func TestRateLimitInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := limit(t, ratelimit.Options{Rate: 2, Burst: 2, Caller: byMetadata})
		for range 50 {
			wantCode(t, "first", callAs(i, "a"), 0)
			wantCode(t, "second", callAs(i, "a"), 0)
			err := callAs(i, "a")
			wantCode(t, "third", err, rpc.ResourceExhausted)
			for retry := range rpc.DetailsOf[rpc.RetryInfo](err) {
				if retry.RetryDelay != 500*time.Millisecond {
					t.Fatalf("told to wait %v", retry.RetryDelay)
				}
				time.Sleep(retry.RetryDelay - time.Millisecond)
				wantCode(t, "early", callAs(i, "a"), rpc.ResourceExhausted)
				time.Sleep(2 * time.Millisecond)
			}
			wantCode(t, "in time", callAs(i, "a"), 0)
			time.Sleep(time.Second)
		}
	})
}

// Callers who are gone make room; where there is none the rest share one account, and nobody gets a fresh burst.
func TestRateLimitForgetsCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := limit(t, ratelimit.Options{Rate: 1, Burst: 1, Caller: byMetadata, Callers: 2})
		wantCode(t, "a", callAs(i, "a"), 0)
		wantCode(t, "b", callAs(i, "b"), 0)
		wantCode(t, "c shares", callAs(i, "c"), 0)
		wantCode(t, "d shares", callAs(i, "d"), rpc.ResourceExhausted)
		wantCode(t, "a again", callAs(i, "a"), rpc.ResourceExhausted)
		time.Sleep(time.Second)
		for _, caller := range []string{"d", "e"} { // in the places of a and b
			wantCode(t, caller, callAs(i, caller), 0)
			wantCode(t, caller+" again", callAs(i, caller), rpc.ResourceExhausted)
		}
	})
}

func TestRateLimitOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []ratelimit.Options{
		{}, {Rate: 1}, {Burst: 1}, {Rate: -1, Burst: 1}, {Rate: 1, Burst: 1, Callers: -1},
	} {
		if _, err := ratelimit.New(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func wantLine(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in %s", w, text)
		}
	}
}

// A line has all of a call, at both sides, and nothing that is sensitive.
func TestLogOfCalls(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"mux", "line", "http", "in-process"} {
		var server, client lines
		f := serve(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{
			logging.New(logging.Options{Logger: server.logger(), Sizes: true, Arguments: true}),
			authenticate(t, auth.Options{Optional: true}),
		}}, nil)
		c := f.client(t, scheme, logging.New(logging.Options{Logger: client.logger(), Sizes: true, Arguments: true,
			Attrs: func(context.Context, *rpc.Call) []slog.Attr { return []slog.Attr{slog.String("more", "yes")} }}))
		if _, err := c.Divide(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		wantLine(t, client.String(), "level=INFO msg=call method=everything.Calculator/divide peer=",
			"code=ok attempt=1", "took=", "sent_bytes=2 received_bytes=5", `arguments="{\"num1\":3`, "more=yes")
		_ = c.LogIn(t.Context(), "ada", "hunter2") //lint:ignore SA1019 it is the one method with a sensitive parameter
		wantLine(t, client.String(), "outcome=answered", "***")
		f.Close() // its lines are written
		wantLine(t, server.String(), "protocol="+scheme, "sent_bytes=5 received_bytes=2", "log_in", "***",
			"code=panicked")
		if all := server.String() + client.String(); strings.Contains(all, "hunter2") {
			t.Errorf("%s: a password is in\n%s", scheme, all)
		}
		if strings.Contains(server.String(), "attempt") {
			t.Errorf("a server's line has attempts:\n%s", server.String())
		}
	}
}

// A line of a stream comes at its end, with the messages of both directions.
func TestLogOfStreams(t *testing.T) {
	t.Parallel()
	var server, client lines
	f := serve(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{
		logging.New(logging.Options{Logger: server.logger(), Sizes: true}),
	}}, nil)
	c := f.client(t, "mux", logging.New(logging.Options{Logger: client.logger(), Sizes: true}))
	if sum, err := c.Sum(t.Context(), slices.Values([]int32{1, 2, 3})); err != nil || sum != 6 {
		t.Fatal(sum, err)
	}
	f.Close()
	wantLine(t, client.String(), "code=ok", "sent=3 received=1 sent_bytes=6 received_bytes=2")
	wantLine(t, server.String(), "code=ok", "sent=1 received=3 sent_bytes=2 received_bytes=6")
}

// An exception is no fault of the server; an internal error, a panic and a logger that panics are told apart.
func TestLogOfFailures(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"level=WARN msg=call method=/ code=everything.InvalidOperation": everything.NewInvalidOperation(),
		"level=WARN msg=call method=/ code=not_found":                   rpc.NewError(rpc.NotFound, "none"),
		"level=WARN msg=call method=/ code=deadline_exceeded": fmt.Errorf("wrapped: %w",
			context.DeadlineExceeded),
		"level=ERROR msg=call method=/ code=unknown":   errors.New("plain"),
		"level=ERROR msg=call method=/ code=data_loss": rpc.NewError(rpc.DataLoss, "gone"),
	} {
		var log lines
		i := logging.New(logging.Options{Logger: log.logger()})
		got := i(func(context.Context, *rpc.Call) error { return err })(context.Background(),
			&rpc.Call{Method: &rpc.Method{}})
		if got != err {
			t.Errorf("the error became %v", got)
		}
		wantLine(t, log.String(), want)
	}
	i := logging.New(logging.Options{Logger: slog.New(panicking{})})
	if err := i(func(context.Context, *rpc.Call) error { return nil })(context.Background(),
		&rpc.Call{Method: &rpc.Method{}}); err != nil {
		t.Error(err)
	}
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool { return true }

func (panicking) Handle(context.Context, slog.Record) error { panic("a test's logger panics") }

// What a function refuses does not reach the handler, or the network; whoever may not call is not told.
func TestValidation(t *testing.T) {
	t.Parallel()
	check := func(_ context.Context, m *rpc.Method, args rpc.Message) error {
		for _, name := range []string{"num1", "nums"} {
			if n, ok := wire.Get[int32](args, name); ok && n > 100 {
				return fmt.Errorf("%s: %s is over a hundred", m.Name, name)
			}
		}
		return nil
	}
	f := serve(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{authenticate(t, auth.Options{})}}, nil,
		validate.New(check))
	over := slices.Values([]int32{1, 101})
	for _, scheme := range []string{"mux", "http", "in-process"} {
		c := f.client(t, scheme, send(billing))
		_, err := c.Divide(t.Context(), 101)
		wantCode(t, scheme, err, rpc.InvalidArgument)
		wantLine(t, err.Error(), "num1 is over a hundred")
		_, err = c.Divide(t.Context(), 100)
		wantCode(t, scheme, err, 0)
		_, err = f.client(t, scheme).Divide(t.Context(), 101)
		wantCode(t, scheme, err, rpc.Unauthenticated)
	}
	if got := f.ran.Load(); got != 3 {
		t.Errorf("%d handlers ran, want 3", got)
	}
	_, err := f.client(t, "mux", send(billing)).Sum(t.Context(), over)
	wantCode(t, "stream", err, rpc.InvalidArgument)

	ran := f.ran.Load()
	c := f.client(t, "mux", validate.Client(check), send(billing))
	_, err = c.Divide(t.Context(), 101)
	wantCode(t, "client", err, rpc.InvalidArgument)
	if e, ok := errors.AsType[*rpc.Error](err); !ok || e.Outcome != rpc.OutcomeNotStarted || f.ran.Load() != ran {
		t.Errorf("the client sent it: %v", err)
	}
	_, err = c.Sum(t.Context(), over)
	wantCode(t, "client, stream", err, rpc.InvalidArgument)
}
