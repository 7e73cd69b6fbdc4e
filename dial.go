package yodel

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/yodelrpc/yodel/balance"
	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/internal/peercred"
	"github.com/yodelrpc/yodel/link"
	"github.com/yodelrpc/yodel/resolve"
	"github.com/yodelrpc/yodel/rpc"
)

// DialOptions are the choices of a channel. The zero value works.
type DialOptions struct {
	// Conns is how many connections to each server the channel spreads its calls over; default 1. A server that serves
	// one connection at a time never answers on a second one.
	Conns int

	// Timeout is the deadline of calls whose context has none and whose method declares none; default none.
	// It does not apply to streams.
	Timeout time.Duration

	// WaitForReady lets calls wait through failed attempts to connect until their deadline, but for attempts that TLS
	// has failed, as with a certificate that is refused. Otherwise a call waits for one attempt, and fails with it.
	WaitForReady bool

	// Resolver says which servers the channel calls, as that changes, in place of the target's own address. The target
	// still says how they are called: its scheme, and its host as the name that their certificates have to be for. When
	// a server is no longer among them calls that run there end as they would, and further ones go to others; while
	// there is none calls fail with unavailable, or wait if WaitForReady is set. Default: the target alone.
	Resolver resolve.Resolver

	// Balancer picks the connection for each attempt at a call, and may learn how it went; default
	// [balance.RoundRobin].
	Balancer balance.Balancer

	// Backoff is the wait between attempts to connect, and between those of a Resolver that fails.
	Backoff Backoff

	// DialTimeout bounds one attempt to connect; default 10 s.
	DialTimeout time.Duration

	// TLS is how the channel speaks TLS, which it does if TLS is set or the target's scheme asks for it; nil takes the
	// system's authorities, and has no client's certificate. The name that the server's certificate has to be for is
	// the target's host unless ServerName is set. See [TLSFiles] for certificates that are replaced while the program
	// runs.
	TLS *tls.Config

	// Dialer makes the network connections, as [net.Dialer.DialContext] does, which is the default; TLS comes on top.
	// The network is "tcp" or "unix". Where a method of such a connection panics the connection ends with an error.
	Dialer func(ctx context.Context, network, address string) (net.Conn, error)

	// Protocols are those that the target can name; default [Protocols]. The first is that of a target that names none.
	Protocols []rpc.Protocol

	// Interceptors wrap every call, the first outermost. Retries happen inside them.
	Interceptors []rpc.Interceptor

	// Limits bound what the server can cost. See [rpc.Limits] for the defaults.
	Limits rpc.Limits

	// Compress says what arguments are compressed with, and which; the zero value is no compression. Of the built-in
	// protocols mux and HTTP heed it. HTTP asks for answers in these codings, and sends arguments in the first where
	// Policy is Always, for no server says beforehand what it reads. See [compress.Options], and docs/compression.md
	// for what not to compress.
	Compress compress.Options

	// Logger gets at most ten lines a second about connections that fail; nil for none.
	Logger *slog.Logger
}

// A Backoff says how long to wait between attempts that fail.
type Backoff = link.Backoff

// Dial returns a channel to a server, with the default options. The target is [SCHEME://]HOST:PORT or
// [SCHEME+]unix:///PATH, or [SCHEME+]unix://@NAME for an abstract unix socket of Linux. The scheme names a protocol:
// mux (the default), basic, line or http; muxs, basics, lines or https is the same inside TLS. Programs that know
// nothing of Yodel speak one of the last three. Dial does not connect: the first call does.
func Dial(target string) (*Channel, error) { return DialOptions{}.Dial(target) }

// Dial returns a channel to a server; see [Dial].
func (o DialOptions) Dial(target string) (*Channel, error) {
	var err error
	if o.Protocols, err = protocolsOf(o.Protocols, "DialOptions.Protocols"); err != nil {
		return nil, err
	}
	t, err := parseTarget(target, schemesOf(o.Protocols))
	if err != nil {
		return nil, err
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	config, err := o.clientTLS(t, find(o.Protocols, t.scheme))
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", target, err)
	}
	log := rpc.NewLog(o.Logger)
	ch, err := newChannel(o, log, func(address string) (connector, error) {
		t, err := t.at(address)
		return o.connector(t, config, log), err
	})
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", target, err)
	}
	ch.target = t.over(t.scheme)
	return ch, nil
}

func (o DialOptions) validate() error {
	switch {
	case o.Conns < 0:
		return fmt.Errorf("DialOptions.Conns is %d; it cannot be negative", o.Conns)
	case o.Timeout < 0, o.DialTimeout < 0, o.Backoff.Base < 0, o.Backoff.Max < 0:
		return errors.New("DialOptions: a duration is negative; leave it 0 for its default")
	}
	if err := o.Compress.Validate(); err != nil {
		return fmt.Errorf("DialOptions: %w", err)
	}
	if err := o.Limits.Validate(); err != nil {
		return fmt.Errorf("DialOptions: %w", err)
	}
	return nil
}

// A connector makes one connection of a channel.
type connector func(ctx context.Context) (rpc.Conn, error)

func (o DialOptions) connector(t target, config *tls.Config, log *rpc.Log) connector {
	dialer := o.Dialer
	if dialer == nil {
		dialer = new(net.Dialer).DialContext
	}
	timeout := cmp.Or(o.DialTimeout, 10*time.Second)
	return func(ctx context.Context) (rpc.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		nc, err := dialer(ctx, t.network, t.address)
		if err == nil {
			nc = guardConn(nc, log)
		}
		if err == nil && config != nil {
			nc, err = secure(ctx, nc, t.address, config)
		}
		if err != nil {
			return nil, err
		}
		return t.connect(ctx, o.Protocols, rpc.ConnOptions{
			Dial:     func(context.Context) (net.Conn, error) { return nc, nil },
			Address:  t.address,
			Peer:     t.peer(nc),
			Limits:   o.Limits.WithDefaults(),
			Compress: o.Compress,
			Log:      log,
		})
	}
}

// peer returns the server's end of nc.
func (t target) peer(nc net.Conn) *rpc.Peer {
	p := &rpc.Peer{Protocol: t.scheme, Addr: nc.RemoteAddr(), Unix: peercred.Of(nc)}
	var state tls.ConnectionState
	switch c := nc.(type) {
	case *secureConn:
		state = c.ConnectionState()
	case *tls.Conn: // DialOptions.Dialer has made it
		state = c.ConnectionState()
	}
	if state.HandshakeComplete {
		p.TLS = &state
	}
	return p
}

// connect makes the connection that o dials one of the target's protocol, which is one of protocols.
func (t target) connect(ctx context.Context, protocols []rpc.Protocol, o rpc.ConnOptions) (rpc.Conn, error) {
	c, err := find(protocols, t.scheme).Dial(ctx, o)
	if err == nil {
		return c, nil
	}
	if refused, ok := errors.AsType[*tlsError](err); ok {
		return nil, refused
	}
	if errors.Is(err, rpc.ErrTLSOnly) {
		t.secure = true
		return nil, fmt.Errorf("%w: dial %s", err, t.over(t.scheme))
	}
	return nil, t.adviseOthers(err, protocols)
}

// adviseOthers adds to an error of a protocol's Dial what to dial if the server speaks another one.
func (t target) adviseOthers(err error, protocols []rpc.Protocol) error {
	var names, targets []string
	for _, p := range protocols {
		if p.Scheme != t.scheme {
			names, targets = append(names, p.Scheme), append(targets, t.over(p.Scheme))
		}
	}
	if len(names) == 0 {
		return err
	}
	return fmt.Errorf("%w; if it speaks %s, dial %s", err, orList(names), orList(targets))
}
