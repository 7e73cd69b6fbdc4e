package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/rpc"
)

// hostOf returns the Host for an address, which may be the path of a unix socket.
func hostOf(address string) string {
	if address == "" || address[0] == '/' || address[0] == '@' { // a unix socket, which may be an abstract one
		return "localhost"
	}
	if strings.HasPrefix(address, ":") {
		return "localhost" + address
	}
	host, port, err := net.SplitHostPort(address)
	if zone := strings.IndexByte(host, '%'); err == nil && zone >= 0 {
		return net.JoinHostPort(host[:zone], port) // a zone means nothing to another host (RFC 6874, section 1)
	}
	return address
}

// request returns a request of m with the given body, and what ctx has for it.
func (c *Conn) request(ctx context.Context, m *rpc.Method, body []byte) ([]byte, *rpc.Error) {
	body, coding, err := c.compress(ctx, m, body)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, 256+len(body))
	b = fmt.Appendf(b, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s%s",
		c.host, len(body), coding, c.codings.acceptField())
	for key, values := range rpc.OutgoingMetadata(ctx) {
		if reserved(key) {
			continue
		}
		for _, v := range values {
			if !validField(key, v) {
				return nil, rpc.Errorf(rpc.InvalidArgument, "metadata %s: %s cannot be a field of an HTTP header",
					rpc.Quote(key), rpc.Quote(v))
			}
			b = fmt.Appendf(b, "%s: %s\r\n", http.CanonicalHeaderKey(key), v)
		}
	}
	return append(append(b, "\r\n"...), body...), nil
}

// compress returns the body of a request to m as it is sent, and the line of its header that says how. No server says
// beforehand what it reads, so bodies are encoded only where the program says that it does.
func (c *Conn) compress(ctx context.Context, m *rpc.Method, body []byte) (sent []byte, field string, err *rpc.Error) {
	if len(c.codings.Codecs) == 0 {
		return body, "", nil
	}
	policy := rpc.Compression(ctx, c.codings.Policy)
	if policy != compress.Always {
		policy = compress.Never
	}
	codec := &c.codings.Codecs[0]
	coded, err := c.codings.encode(codec, body, policy, false, c.codings.Stats.Method(m.FullName(), true))
	if coded == nil || err != nil {
		return body, "", err
	}
	return coded, "Content-Encoding: " + codec.Name + "\r\n", nil
}

// decompress gives x the body that the server encoded, where it is in one of the codings that were asked for. One in
// another is no answer of a server of this protocol, and is told as that.
func (c *Conn) decompress(x *exchange) error {
	codec, err := c.codings.of(x.header)
	if codec == nil || err != nil {
		return nil
	}
	body, status, err := c.codings.decode(codec, x.body, c.limits.Message)
	switch {
	case status == http.StatusRequestEntityTooLarge:
		return rpc.Errorf(rpc.ResourceExhausted, "the answer: %s", err.Message).For(x.method, rpc.OutcomeAnswered)
	case err != nil:
		return rpc.Errorf(rpc.DataLoss, "the answer: %s", err.Message).For(x.method, rpc.OutcomeAnswered)
	}
	x.body = body
	return nil
}
