package mux

import (
	"context"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// encode puts the whole CALL into p.frame, or into p.large.
func (c *Conn) encode(ctx context.Context, p *pending, expiry time.Time) (m *clientMethod, err error) {
	m, err = c.method(p.call.Method)
	if err != nil {
		return nil, err
	}
	if err := c.encodeCall(ctx, p, m, expiry); err != nil {
		return nil, err.For(p.call.Method, rpc.OutcomeNotStarted)
	}
	return m, nil
}

func (c *Conn) guard(m *rpc.Method) rpc.Guard { return rpc.Guard{Log: c.log, Method: m, Local: true} }

// encodeCall is encode, as far as it runs code that is not Yodel's.
func (c *Conn) encodeCall(ctx context.Context, p *pending, m *clientMethod, expiry time.Time) (refused *rpc.Error) {
	returned := false
	defer func() {
		if !returned {
			refused = c.guard(p.call.Method).Caught("what encodes the arguments", recover(), func(*rpc.Error) {
				c.slots.release(p)
			})
		}
	}()
	refused = c.encodeAll(ctx, p, m, expiry)
	returned = true
	return refused
}

func (c *Conn) encodeAll(ctx context.Context, p *pending, m *clientMethod, expiry time.Time) *rpc.Error {
	h := frame.Header{Type: frame.TypeCall, Method: m.number, ID: p.id}
	b := append(p.frame[:0], make([]byte, frame.HeaderSize)...)
	var head frame.Head
	if err := c.fillHead(ctx, &head, m, expiry); err != nil {
		return err
	}
	h.Flags = head.Flags
	b = head.Append(b)
	start := len(b)
	c.out.ResetEncoder(&p.enc, b)
	p.call.Args.EncodeWire(&p.enc)
	var err error
	if p.frame, err = p.enc.Bytes(); err != nil {
		return rpc.Errorf(rpc.InvalidArgument, "the arguments cannot be encoded: %w", wire.Explain(p.call.Args, err))
	}
	if n, limit := p.enc.Size()-start, min(c.peer.Message, c.limits.Message); n > limit {
		return tooLarge("the arguments have", n, limit)
	} else if m.packing.MayPack(n) {
		h.Flags |= m.packing.Pack(&p.enc, start, rpc.Compression(ctx, m.packing.Policy()))
		p.frame, _ = p.enc.Bytes()
	}
	p.large = transport.SealFrame(h, p.frame, 0, start, &p.enc)
	if p.large != nil {
		p.frame = nil
	}
	return nil
}

// fillHead fills what stands in front of a CALL's message.
func (c *Conn) fillHead(ctx context.Context, head *frame.Head, m *clientMethod, expiry time.Time) *rpc.Error {
	if !m.named.Load() || m.calls.Add(1)%nameEvery == 0 {
		head.Flags, head.Name = frame.FlagName, m.name
	}
	if !expiry.IsZero() {
		head.SetDeadline(expiry)
	}
	if md := rpc.OutgoingMetadata(ctx); md != nil {
		if err := frame.CheckMetadata(md, min(c.peer.Metadata, c.limits.Metadata)); err != nil {
			return err
		}
		head.SetMetadata(md)
	}
	return nil
}

// tooLarge returns the error for a message over a limit; what is "the answer has" or the like.
func tooLarge(what string, n, limit int) *rpc.Error {
	return rpc.Errorf(rpc.ResourceExhausted, "%s %d bytes, over the limit of %d; raise Limits.Message on both sides, "+
		"or send less at a time", what, n, limit)
}

// method returns the number of m on this connection, giving it the next one the first time.
func (c *Conn) method(m *rpc.Method) (*clientMethod, error) {
	if cm := c.lastMethod.Load(); cm != nil && cm.of == m {
		return cm, nil
	}
	if cm := (*c.methods.Load())[m]; cm != nil {
		c.lastMethod.Store(cm)
		return cm, nil
	}
	c.methodsMu.Lock()
	defer c.methodsMu.Unlock()
	old := *c.methods.Load()
	if cm := old[m]; cm != nil {
		return cm, nil
	}
	cm := &clientMethod{of: m, number: uint16(len(old)), name: []byte(m.FullName())}
	switch {
	case len(old) >= c.peer.Methods:
		return nil, rpc.Errorf(rpc.ResourceExhausted, "the server takes no more than %d methods on a connection",
			c.peer.Methods).For(m, rpc.OutcomeNotStarted)
	case len(cm.name) > min(c.peer.Name, c.limits.Name):
		return nil, rpc.Errorf(rpc.InvalidArgument, "the method's name has %d bytes, over the limit of %d",
			len(cm.name),
			min(c.peer.Name, c.limits.Name)).For(m, rpc.OutcomeNotStarted)
	}
	cm.packing = c.packing.Method(m.FullName(), true)
	methods := make(map[*rpc.Method]*clientMethod, len(old)+1)
	for k, v := range old {
		methods[k] = v
	}
	methods[m] = cm
	c.methods.Store(&methods)
	return cm, nil
}
