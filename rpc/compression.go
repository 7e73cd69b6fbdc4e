package rpc

import (
	"context"

	"github.com/yodelrpc/yodel/compress"
)

type compressionKey struct{}

// WithCompression returns a context whose calls' arguments are compressed by p, whatever the channel's options say,
// where the connection has a codec. What answers do is the server's choice, and its handlers' ([CompressAnswer]).
func WithCompression(ctx context.Context, p compress.Policy) context.Context {
	return withValue(ctx, compressionKey{}, p)
}

// Compression returns what WithCompression has chosen, or p. Protocols ask for it, and only where there is something to
// choose.
func Compression(ctx context.Context, p compress.Policy) compress.Policy {
	if chosen, ok := ctx.Value(compressionKey{}).(compress.Policy); ok {
		return chosen
	}
	return p
}

// CompressAnswer makes p the policy for the answer of a handler's call, whatever the server's options say: Never where
// the answer holds a secret beside what others can choose. Outside a handler it does nothing.
func CompressAnswer(ctx context.Context, p compress.Policy) {
	c, ok := ctx.Value(serverContextKey{}).(*ServerContext)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.extraLocked().compress = p + 1
}

// AnswerCompression returns what the handler has chosen for its answer, or p.
func (c *ServerContext) AnswerCompression(p compress.Policy) compress.Policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.extra == nil || c.extra.compress == 0 {
		return p
	}
	return c.extra.compress - 1
}
