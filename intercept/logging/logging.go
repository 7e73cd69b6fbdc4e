// Package logging writes a line for each call, unary or with a stream, at a server or a client:
//
//	logging.New(logging.Options{Logger: slog.Default()})
//
// It stands in front of all other interceptors, so that it sees what they refuse. A line has
//
//	method                       calc.Calculator/divide
//	peer, protocol               the other side's address, and mux, basic, line, http or in-process
//	code                         ok, one of rpc.Code, the name of a declared exception, or panicked
//	outcome                      of a client's call that failed: answered, not started or unknown whether it ran
//	attempt                      of a client's call: how often the channel has tried it
//	took                         from here to the end of all behind
//	sent_bytes, received_bytes   with Sizes: of messages, in protobuf's wire format
//	sent, received               of a stream: how many messages passed each way
//	arguments                    with Arguments, of a unary call: *** in place of what is sensitive
//	error                        the text
//
// Its level is Info for a success, Error for unknown, internal and data_loss, and panics, and Warn for the rest.
package logging

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yodelrpc/yodel/rpc"
	"github.com/yodelrpc/yodel/wire"
)

// Options are the choices of [New]. Logger is needed.
type Options struct {
	Logger    *slog.Logger
	Sizes     bool // measures messages, by encoding them once more
	Arguments bool // shows the arguments of unary calls, up to 1 KiB, sensitive ones masked

	// Attrs returns more to write, such as who calls; nil for nothing. It is called at the end of the call with the
	// context that this interceptor got, which has what is in front of it.
	Attrs func(ctx context.Context, c *rpc.Call) []slog.Attr
}

// New returns the interceptor, for servers and clients. What the logger panics with is lost, and costs no call.
func New(o Options) rpc.Interceptor {
	if o.Logger == nil {
		panic("logging.Options.Logger is nil; set it, or leave the interceptor out")
	}
	return func(next rpc.CallFunc) rpc.CallFunc {
		return func(ctx context.Context, c *rpc.Call) error {
			if !o.Logger.Enabled(ctx, slog.LevelError) {
				return next(ctx, c)
			}
			l := line{Options: &o, began: time.Now(), server: rpc.Info(ctx) != nil}
			if body := c.Body; body != nil {
				l.stream = &traffic{sizes: o.Sizes}
				c.Body = func(ctx context.Context, s rpc.Stream) error { return body(ctx, counted{s, l.stream}) }
			}
			returned := false
			defer func() {
				if !returned { // by a panic, which goes on, or the end of the goroutine
					l.write(ctx, c, errPanicked)
				}
			}()
			err := next(ctx, c)
			returned = true
			l.write(ctx, c, err)
			return err
		}
	}
}

var errPanicked = errors.New("the call panicked, or ended its goroutine")

// A line is what is written of one call.
type line struct {
	*Options
	began  time.Time
	server bool
	stream *traffic // nil for a unary call
}

func (l *line) write(ctx context.Context, c *rpc.Call, err error) {
	defer func() { _ = recover() }() // the logger's, or that of a message's methods
	code, level := codeOf(err)
	if !l.Logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 14)
	attrs = append(attrs, slog.String("method", c.Method.FullName()))
	if p := c.Peer; p != nil {
		if p.Addr != nil {
			attrs = append(attrs, slog.String("peer", p.Addr.String()))
		}
		attrs = append(attrs, slog.String("protocol", p.Protocol))
	}
	attrs = append(attrs, slog.String("code", code))
	if !l.server {
		if err != nil {
			attrs = append(attrs, slog.String("outcome", outcomeOf(err).String()))
		}
		attrs = append(attrs, slog.Int("attempt", c.Attempt))
	}
	attrs = append(attrs, slog.Duration("took", time.Since(l.began)))
	attrs = l.appendTraffic(attrs, c, err)
	if l.Arguments && c.Args != nil {
		attrs = append(attrs, slog.String("arguments", wire.String(c.Args)))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	if l.Attrs != nil {
		attrs = append(attrs, l.Attrs(ctx, c)...)
	}
	l.Logger.LogAttrs(ctx, level, "call", attrs...)
}

func (l *line) appendTraffic(attrs []slog.Attr, c *rpc.Call, err error) []slog.Attr {
	t := l.stream
	if t == nil {
		if !l.Sizes {
			return attrs
		}
		args, result := size(c.Args), int64(0)
		if err == nil {
			result = size(c.Result)
		}
		if l.server {
			args, result = result, args
		}
		return append(attrs, slog.Int64("sent_bytes", args), slog.Int64("received_bytes", result))
	}
	attrs = append(attrs, slog.Int64("sent", t.sent.Load()), slog.Int64("received", t.received.Load()))
	if l.Sizes {
		attrs = append(attrs, slog.Int64("sent_bytes", t.sentBytes.Load()),
			slog.Int64("received_bytes", t.receivedBytes.Load()))
	}
	return attrs
}

// codeOf returns what a line says of a call's end, and its level.
func codeOf(err error) (string, slog.Level) {
	if err == nil {
		return "ok", slog.LevelInfo
	}
	if err == errPanicked {
		return "panicked", slog.LevelError
	}
	if exc, ok := errors.AsType[rpc.Exception](err); ok {
		name, _ := exc.YodelException()
		return name, slog.LevelWarn
	}
	code := rpc.Unknown
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		code = e.Code.Known()
	} else if errors.Is(err, context.DeadlineExceeded) {
		code = rpc.DeadlineExceeded
	} else if errors.Is(err, context.Canceled) {
		code = rpc.Canceled
	}
	switch code {
	case rpc.Unknown, rpc.Internal, rpc.DataLoss:
		return code.String(), slog.LevelError
	}
	return code.String(), slog.LevelWarn
}

func outcomeOf(err error) rpc.Outcome {
	if e, ok := errors.AsType[*rpc.Error](err); ok {
		return e.Outcome
	}
	if e, ok := errors.AsType[*rpc.ContextError](err); ok {
		return e.Outcome
	}
	if _, ok := errors.AsType[rpc.Exception](err); ok {
		return rpc.OutcomeAnswered
	}
	return rpc.OutcomeUnknown
}

// traffic is what passed through a stream.
type traffic struct {
	sizes                    bool
	sent, received           atomic.Int64
	sentBytes, receivedBytes atomic.Int64
}

// counted counts the messages of a stream, whose two directions may be used at once.
type counted struct {
	rpc.Stream
	*traffic
}

// Send implements [rpc.Stream].
func (c counted) Send(ctx context.Context, m rpc.Message) error {
	err := c.Stream.Send(ctx, m)
	if err == nil {
		c.sent.Add(1)
		if c.sizes {
			c.sentBytes.Add(size(m))
		}
	}
	return err
}

// Recv implements [rpc.Stream].
func (c counted) Recv(ctx context.Context, m rpc.Message) error {
	err := c.Stream.Recv(ctx, m)
	if err == nil {
		c.received.Add(1)
		if c.sizes {
			c.receivedBytes.Add(size(m))
		}
	}
	return err
}

// buffers are what messages are encoded into to be measured; none is kept that has become larger than keptBuffer.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const keptBuffer = 64 << 10

// size returns the bytes of m in protobuf's wire format, 0 where it cannot be encoded.
func size(m rpc.Message) int64 {
	if m == nil {
		return 0
	}
	p := buffers.Get().(*[]byte)
	b, err := wire.Append((*p)[:0], m)
	n := int64(len(b))
	if cap(b) <= keptBuffer {
		*p = b[:0]
		buffers.Put(p)
	}
	if err != nil {
		return 0
	}
	return n
}
