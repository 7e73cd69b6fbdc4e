package rpc

import (
	"context"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/compress"
)

// A ServerContext is a handler's context. It ends when the caller cancels, its deadline passes or its connection
// ends. It is one small allocation, and starts a timer only when somebody waits for its end.
type ServerContext struct {
	info     CallInfo
	deadline time.Time

	mu    sync.Mutex
	ended ending
	extra *contextExtra // nil until somebody needs it
}

// CallInfo is what a handler can learn about its call from its context: the method, and who calls. All of it is read
// only.
type CallInfo struct {
	*Peer    // the caller's Protocol, Addr and TLS
	Method   *Method
	Metadata Metadata // what the caller sent
}

// An ending says whether and why a context has ended.
type ending uint8

const (
	running ending = iota
	canceled
	deadlineExceeded
)

// contextExtra is what few handlers use of their contexts.
type contextExtra struct {
	done     chan struct{} // made when somebody asks
	timer    *time.Timer
	after    map[*int]func() // run at the end, each in its own goroutine
	answer   Metadata
	compress compress.Policy // of the answer, and 1; 0 where the handler has not chosen
}

// NewServerContext returns a handler's context, whose values are the parent's. A zero deadline means none. The protocol
// calls Cancel when the call ends.
func NewServerContext(parent context.Context, info CallInfo, deadline time.Time) *ServerContext {
	if parent == context.Background() && info.Peer != nil { // which has no values
		c := new(ServerContext)
		c.Begin(info.Peer, info.Method, info.Metadata, deadline)
		return c
	}
	c := new(struct {
		ServerContext
		peer Peer
	})
	if info.Peer != nil {
		c.peer = *info.Peer
	}
	c.peer.base = parent
	c.Begin(&c.peer, info.Method, info.Metadata, deadline)
	return &c.ServerContext
}

// Begin is NewServerContext without a parent, for a context that is part of something larger. It comes before all else.
func (c *ServerContext) Begin(peer *Peer, m *Method, md Metadata, deadline time.Time) {
	c.info, c.deadline = CallInfo{peer, m, md}, deadline
}

type serverContextKey struct{}

// Info returns what is known of the call that a handler's context belongs to, or nil. It allocates nothing.
func Info(ctx context.Context) *CallInfo {
	c, ok := ctx.Value(serverContextKey{}).(*ServerContext)
	if !ok {
		return nil
	}
	return &c.info
}

// IncomingMetadata returns what the caller of a handler's call sent.
func IncomingMetadata(ctx context.Context) Metadata {
	if c, ok := ctx.Value(serverContextKey{}).(*ServerContext); ok {
		return c.info.Metadata
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
	x := c.extraLocked()
	if x.answer == nil {
		x.answer = make(Metadata)
	}
	x.answer.Add(key, value)
}

// AnswerMetadata returns what the handler added, once it has returned.
func (c *ServerContext) AnswerMetadata() Metadata {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.extra == nil {
		return nil
	}
	return c.extra.answer
}

// End ends the context of a handler that has returned, and returns the metadata of its answer.
func (c *ServerContext) End() Metadata {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(canceled)
	if c.extra == nil {
		return nil
	}
	return c.extra.answer
}

// Deadline returns the call's deadline.
func (c *ServerContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

// Value returns the parent's value.
func (c *ServerContext) Value(key any) any {
	if key == (serverContextKey{}) {
		return c
	}
	if c.info.base == nil {
		return nil
	}
	return c.info.base.Value(key)
}

// Err returns nil, context.Canceled or context.DeadlineExceeded.
func (c *ServerContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == running && !c.deadline.IsZero() && !time.Now().Before(c.deadline) {
		c.endLocked(deadlineExceeded)
	}
	return [...]error{nil, context.Canceled, context.DeadlineExceeded}[c.ended]
}

// Done returns a channel that is closed at the end of the call.
func (c *ServerContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.extraLocked()
	if x.done == nil {
		x.done = make(chan struct{})
		if c.ended != running {
			close(x.done)
		} else {
			c.startTimerLocked()
		}
	}
	return x.done
}

// AfterFunc lets package context derive contexts from c without a goroutine each.
func (c *ServerContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != running {
		go f()
		return func() bool { return false }
	}
	x := c.extraLocked()
	if x.after == nil {
		x.after = make(map[*int]func())
	}
	key := new(int)
	x.after[key] = f
	c.startTimerLocked()
	return func() bool { return c.forget(key) }
}

func (c *ServerContext) forget(key *int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, waiting := c.extra.after[key]
	delete(c.extra.after, key)
	return waiting
}

// Cancel ends the context with err, which is context.Canceled or context.DeadlineExceeded, unless it has ended.
func (c *ServerContext) Cancel(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == context.DeadlineExceeded {
		c.endLocked(deadlineExceeded)
	} else {
		c.endLocked(canceled)
	}
}

func (c *ServerContext) extraLocked() *contextExtra {
	if c.extra == nil {
		c.extra = new(contextExtra)
	}
	return c.extra
}

func (c *ServerContext) startTimerLocked() {
	if c.extra.timer == nil && !c.deadline.IsZero() {
		c.extra.timer = time.AfterFunc(time.Until(c.deadline), func() { c.Cancel(context.DeadlineExceeded) })
	}
}

func (c *ServerContext) endLocked(why ending) {
	if c.ended != running {
		return
	}
	c.ended = why
	x := c.extra
	if x == nil {
		return
	}
	if x.done != nil {
		close(x.done)
	}
	if x.timer != nil {
		x.timer.Stop()
	}
	for _, f := range x.after {
		go f()
	}
	x.after = nil
}
