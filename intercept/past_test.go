package intercept_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/intercept/auth"
	"github.com/yodelrpc/yodel/intercept/authz"
	"github.com/yodelrpc/yodel/intercept/recovery"
	"github.com/yodelrpc/yodel/rpc"
)

// Nobody gets past authentication and authorization: over any protocol, unary or with a stream, whatever is sent.
func TestNobodyGetsPast(t *testing.T) {
	t.Parallel()
	var log lines
	var names []string
	f := serve(t, yodel.ServerOptions{
		Interceptors: []rpc.Interceptor{authenticate(t, auth.Options{Logger: log.logger()})},
		Authorizer: authz.Options{Logger: log.logger(), Rules: authz.Rules{
			"everything.Calculator/*": authz.Role("divide"),
		}},
	}, func(ctx context.Context) { names = append(names, auth.From(ctx).String()) })

	for _, scheme := range []string{"mux", "basic", "line", "http", "in-process"} {
		carriesTokens := scheme != "basic" && scheme != "line"
		carriesStreams := scheme == "mux" || scheme == "in-process"
		for name, at := range map[string]struct {
			interceptors []rpc.Interceptor
			want         rpc.Code
		}{
			"no token":    {nil, rpc.Unauthenticated},
			"wrong token": {[]rpc.Interceptor{send("token-of-billinG")}, rpc.Unauthenticated},
			"no scope":    {[]rpc.Interceptor{send(mailing)}, rpc.PermissionDenied},
			"scope":       {[]rpc.Interceptor{send(billing)}, 0},
		} {
			if !carriesTokens {
				at.interceptors, at.want = nil, rpc.Unauthenticated
			}
			c, before := f.client(t, scheme, at.interceptors...), f.ran.Load()
			want := before
			_, err := c.Divide(t.Context(), 1)
			wantCode(t, scheme+", "+name, err, at.want)
			if at.want == 0 {
				want++
			}
			if carriesStreams {
				_, err := c.Sum(t.Context(), slices.Values([]int32{1, 2}))
				wantCode(t, scheme+", stream, "+name, err, at.want)
				if at.want == 0 {
					want++
				}
			}
			if got := f.ran.Load(); got != want {
				t.Errorf("%s, %s: %d handlers ran, want %d", scheme, name, got-before, want-before)
			}
			if err != nil && strings.Contains(err.Error(), "scope") {
				t.Errorf("the error helps: %v", err)
			}
		}
	}
	if len(names) != 5 || slices.ContainsFunc(names, func(n string) bool { return n != "bearer:billing" }) {
		t.Errorf("handlers were called by %v", names)
	}
	if text := log.String(); !strings.Contains(text, "not one that is known") ||
		!strings.Contains(text, "caller=bearer:mailing") || strings.Contains(text, "token-of") {
		t.Errorf("the log is\n%s", text)
	}
}

// A request of HTTP that is no Yodel client's is held to the same.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	f := serve(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{authenticate(t, auth.Options{})}}, nil)
	for token, want := range map[string]int{"": http.StatusUnauthorized, billing: http.StatusOK} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.address+"/",
			strings.NewReader(`{"name":"Calculator.divide","params":{"num1":1}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Identity", "root")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		tr := &http.Transport{DisableKeepAlives: true}
		answer, err := tr.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil || (got["error"] == nil) != (want == http.StatusOK) {
			t.Errorf("token %q: status %d, %s", token, answer.StatusCode, body)
		}
	}
	if f.ran.Load() != 1 {
		t.Errorf("%d handlers ran, want 1", f.ran.Load())
	}
}

// Panics of unary calls and streams are reported, and end as the report says.
func TestRecovery(t *testing.T) {
	t.Parallel()
	reported := make(chan string, 1)
	choose := rpc.NewError(rpc.Aborted, "chosen")
	for _, want := range []rpc.Code{rpc.Aborted, rpc.Internal} {
		f := serve(t, yodel.ServerOptions{Interceptors: []rpc.Interceptor{
			recovery.New(func(_ context.Context, c *rpc.Call, p any, stack []byte) error {
				if !strings.Contains(string(stack), "calculator") {
					t.Errorf("the stack does not have the handler:\n%s", stack)
				}
				reported <- c.Method.Name + " " + p.(string)
				if want == rpc.Aborted {
					return choose
				}
				return nil
			}),
		}}, nil)
		for _, scheme := range []string{"mux", "line", "http", "in-process"} {
			c := f.client(t, scheme)
			_, err := c.Divide(t.Context(), panics)
			wantCode(t, scheme, err, want)
			if got := <-reported; got != "divide a test panics" {
				t.Errorf("%s: reported %q", scheme, got)
			}
		}
		_, err := f.client(t, "mux").Sum(t.Context(), slices.Values([]int32{panics}))
		wantCode(t, "stream", err, want)
		if got := <-reported; got != "sum a test panics in a stream" {
			t.Errorf("reported %q", got)
		}
	}
}
