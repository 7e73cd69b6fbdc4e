package rpc

import (
	"context"
	"strings"
)

// Metadata is what a call carries besides its parameters. Keys are lower case.
type Metadata map[string][]string

// Get returns the first value of key, or "".
func (m Metadata) Get(key string) string {
	if v := m[strings.ToLower(key)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Add adds a value to key.
func (m Metadata) Add(key, value string) {
	key = strings.ToLower(key)
	m[key] = append(m[key], value)
}

// Size returns the bytes of all keys and values.
func (m Metadata) Size() int {
	n := 0
	for k, values := range m {
		for _, v := range values {
			n += len(k) + len(v)
		}
	}
	return n
}

// Check returns an error for metadata that may not be sent to a peer that accepts limit bytes, where each value counts
// with its key and 6 bytes more.
func (m Metadata) Check(limit int) *Error {
	n := 0
	for k, values := range m {
		if !ValidMetadataKey(k) {
			return Errorf(InvalidArgument, "metadata key %s: write lower case letters, digits, - _ and . only",
				Quote(k))
		}
		for _, v := range values {
			n += 6 + len(k) + len(v)
		}
	}
	if n > limit {
		return Errorf(ResourceExhausted, "metadata of %d bytes is over the limit of %d", n, limit)
	}
	return nil
}

// ValidMetadataKey reports whether k can be a key: 1 to 256 lower case letters, digits, - _ and . are.
func ValidMetadataKey(k string) bool {
	if k == "" || len(k) > 256 {
		return false
	}
	for i := range len(k) {
		c := k[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

type (
	outgoingKey struct{}
	answerKey   struct{}
)

// WithMetadata returns a context whose calls carry the given keys and values, beside those that ctx's calls carry.
// It panics at an odd number of strings.
func WithMetadata(ctx context.Context, keysAndValues ...string) context.Context {
	if len(keysAndValues)%2 != 0 {
		panic("rpc.WithMetadata: a key without a value")
	}
	md := make(Metadata)
	for k, v := range OutgoingMetadata(ctx) {
		md[k] = append([]string(nil), v...)
	}
	for i := 0; i < len(keysAndValues); i += 2 {
		md.Add(keysAndValues[i], keysAndValues[i+1])
	}
	return withValue(ctx, outgoingKey{}, md)
}

// OutgoingMetadata returns what calls with ctx carry. Protocols send it; nobody changes it.
func OutgoingMetadata(ctx context.Context) Metadata {
	md, _ := ctx.Value(outgoingKey{}).(Metadata)
	return md
}

// WithAnswerMetadata returns a context whose call stores in md what the server sent with its answer. One call at a time
// uses such a context.
func WithAnswerMetadata(ctx context.Context, md *Metadata) context.Context {
	return withValue(ctx, answerKey{}, md)
}

// StoreAnswerMetadata is how a protocol hands over what came with an answer.
func StoreAnswerMetadata(ctx context.Context, md Metadata) {
	if p, ok := ctx.Value(answerKey{}).(*Metadata); ok {
		*p = md
	}
}
