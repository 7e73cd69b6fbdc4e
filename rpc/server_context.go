package rpc

import (
	"context"
	"net"
	"sync"
	"time"
)

// A ServerContext is a handler's context. It ends when the caller cancels, its deadline passes or its connection
// ends. It is one allocation, and starts a timer only when somebody waits for its end.
type ServerContext struct {
	parent   context.Context
	info     CallInfo
	deadline time.Time

	mu     sync.Mutex
	done   chan struct{} // made when somebody asks
	err    error
	timer  *time.Timer
	after  map[*int]func() // run at the end, each in its own goroutine
	answer Metadata
}

// CallInfo is what a handler can learn about its call from its context.
type CallInfo struct {
	Method   *Method
	Protocol string // "mux", "basic", "line", "http"
	Peer     net.Addr
	Metadata Metadata // what the caller sent; read only
}

// NewServerContext returns a handler's context. A zero deadline means none. The protocol calls Cancel when the call ends.
func NewServerContext(parent context.Context, info CallInfo, deadline time.Time) *ServerContext {
	c := new(ServerContext)
	c.Begin(parent, info, deadline)
	return c
}

// Begin is NewServerContext for a context that is part of something larger. It comes before all else.
func (c *ServerContext) Begin(parent context.Context, info CallInfo, deadline time.Time) {
	c.parent, c.info, c.deadline = parent, info, deadline
}

type serverContextKey struct{}

// Info returns what is known of the call that a handler's context belongs to, or nil.
func Info(ctx context.Context) *CallInfo {
	if c, ok := ctx.Value(serverContextKey{}).(*ServerContext); ok {
		return &c.info
	}
	return nil
}

// IncomingMetadata returns what the caller of a handler's call sent.
func IncomingMetadata(ctx context.Context) Metadata {
	if info := Info(ctx); info != nil {
		return info.Metadata
	}
	return nil
}

// AddAnswerMetadata sends a value along with a handler's answer. Outside a handler it does nothing.
func AddAnswerMetadata(ctx context.Context, key, value string) {
	c, ok := ctx.Value(serverContextKey{}).(*ServerContext)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer == nil {
		c.answer = make(Metadata)
	}
	c.answer.Add(key, value)
}

// AnswerMetadata returns what the handler added, once it has returned.
func (c *ServerContext) AnswerMetadata() Metadata {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answer
}

// Deadline returns the call's deadline.
func (c *ServerContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// Value returns the parent's value.
func (c *ServerContext) Value(key any) any {
	if key == (serverContextKey{}) {
		return c
	}
	return c.parent.Value(key)
}

// Err returns nil, context.Canceled or context.DeadlineExceeded.
func (c *ServerContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && !c.deadline.IsZero() && !time.Now().Before(c.deadline) {
		c.endLocked(context.DeadlineExceeded)
	}
	return c.err
}

// Done returns a channel that is closed at the end of the call.
func (c *ServerContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		} else {
			c.startTimerLocked()
		}
	}
	return c.done
}

// AfterFunc lets package context derive contexts from c without a goroutine each.
func (c *ServerContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = make(map[*int]func())
	}
	key := new(int)
	c.after[key] = f
	c.startTimerLocked()
	return func() bool { return c.forget(key) }
}

func (c *ServerContext) forget(key *int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, waiting := c.after[key]
	delete(c.after, key)
	return waiting
}

// Cancel ends the context with err, which is context.Canceled or context.DeadlineExceeded, unless it has ended.
func (c *ServerContext) Cancel(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(err)
}

func (c *ServerContext) startTimerLocked() {
	if c.timer == nil && !c.deadline.IsZero() {
		c.timer = time.AfterFunc(time.Until(c.deadline), func() { c.Cancel(context.DeadlineExceeded) })
	}
}

func (c *ServerContext) endLocked(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	if c.done != nil {
		close(c.done)
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	for _, f := range c.after {
		go f()
	}
	c.after = nil
}
