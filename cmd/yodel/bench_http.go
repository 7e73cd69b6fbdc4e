package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// An httpSender makes the call over HTTP/1.1.
type httpSender struct {
	client *http.Client
	url    string
	body   []byte
	method *rpc.Method
	ctx    context.Context // ends with close
	cancel context.CancelFunc
}

func (c *benchCommand) overHTTP(t *benchTarget, req *request) *httpSender {
	h := &httpSender{url: t.address, body: req.text(), method: &rpc.Method{Name: req.name}}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.client = &http.Client{Transport: &http.Transport{
		DialContext:         t.traffic.dial,
		MaxConnsPerHost:     t.connections,
		MaxIdleConnsPerHost: max(c.plan.Callers, c.plan.MaxInFlight, t.connections),
		DisableCompression:  true,
	}}
	return h
}

// connect looks whether there is a server: connections are made when calls need them.
func (h *httpSender) connect(ctx context.Context) error {
	u, err := url.Parse(h.url)
	if err != nil || u.Host == "" {
		return usagef("%q is not a URL; write it as http://HOST:PORT", h.url)
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), u.Scheme)
	}
	conn, err := dialTCP(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (h *httpSender) call(_ context.Context, _ int, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(h.ctx, deadline)
	defer cancel()
	status, body, err := h.post(ctx)
	if err != nil {
		return h.failed(ctx, err)
	}
	err = textError(parseAnswer(body))
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		if e.Code == rpc.Internal && status != http.StatusOK {
			e = rpc.Errorf(rpc.Internal, "HTTP status %d: %s", status, e.Message)
		}
		return e.For(h.method, rpc.OutcomeAnswered)
	}
	return err
}

func (h *httpSender) post(ctx context.Context) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(h.body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	}
	return resp.StatusCode, body, err
}

// failed returns the error of a call without a whole answer. A call that found no server waits, so that calls do not
// fail as fast as they can.
func (h *httpSender) failed(ctx context.Context, err error) error {
	outcome := rpc.OutcomeUnknown
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		outcome = rpc.OutcomeNotStarted
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if outcome == rpc.OutcomeNotStarted {
		pause(ctx, redialEvery)
	}
	if ctx.Err() != nil {
		return rpc.NewContextError(h.method, outcome, ctx.Err(), nil)
	}
	return rpc.Errorf(rpc.Unavailable, "%w", err).For(h.method, outcome)
}

func (h *httpSender) close() {
	h.cancel()
	h.client.CloseIdleConnections()
}
