package mux

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/protocol/mux/internal/transport"
	"github.com/yodelrpc/yodel/rpc"
)

// Dial opens a connection and exchanges settings.
func Dial(ctx context.Context, o rpc.ConnOptions) (*Conn, error) {
	nc, err := o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	limits, t := o.Limits.WithDefaults(), transport.NewConn(nc)
	c := &Conn{
		address: o.Address, limits: limits, own: frame.SettingsOf(limits), log: o.Log,
		remote: o.Peer,
		in:     transport.NewInput(t, &limits, nil), out: transport.NewOutput(t, limits.Stall),
		done: make(chan struct{}), reader: make(chan struct{}),
	}
	c.slots.idle = make(chan struct{})
	c.role.begin()
	c.methods.Store(&map[*rpc.Method]*clientMethod{})
	c.deadlines.conn, c.silence.conn = c, c
	c.begun.Init(&limits)
	if err := c.handshake(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("%s does not answer as a mux server: %w", o.Address, err)
	}
	go func() {
		defer close(c.reader)
		rpc.Persist(c.read)
	}()
	return c, nil
}

// handshake sends this side's preface and settings and reads the server's, within Limits.Silence or ctx's.
func (c *Conn) handshake(ctx context.Context) error {
	t := c.in.Conn()
	_ = t.SetDeadline(time.Now().Add(c.limits.Silence))
	stop := context.AfterFunc(ctx, func() { _ = t.SetDeadline(time.Unix(1, 0)) })
	var peer frame.Settings
	_, err := t.NetConn().Write(c.own.Hello())
	if err == nil {
		peer, err = readHello(c.in)
	}
	if !stop() {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	c.peer = peer
	c.slots.limit = peer.Calls
	if peer.Calls == 0 {
		return errors.New("the server takes no calls: its setting CALLS is 0")
	}
	return t.SetDeadline(time.Time{})
}

// ErrTLS is the error of Dial without TLS to a port that speaks nothing else.
var ErrTLS = errors.New("it answers with an alert of TLS, and so wants TLS")

// readHello reads a preface and a SETTINGS frame.
func readHello(in *transport.Input) (frame.Settings, error) {
	var b [frame.PrefaceSize + frame.HeaderSize]byte
	if err := in.ReadExactly(b[:frame.PrefaceSize]); err != nil {
		return frame.Settings{}, err
	}
	if b[0] == 0x15 && b[1] == 3 { // the head of a TLS record with an alert (RFC 8446, section 5.1)
		return frame.Settings{}, ErrTLS
	}
	if string(b[:len(frame.Magic)]) != frame.Magic {
		return frame.Settings{}, fmt.Errorf("it begins with % x and not with % x", b[:len(frame.Magic)], frame.Magic)
	}
	if v := b[len(frame.Magic)]; v != frame.Version {
		return frame.Settings{}, fmt.Errorf("it speaks version %d, this side version %d", v, frame.Version)
	}
	if err := in.ReadExactly(b[frame.PrefaceSize:]); err != nil {
		return frame.Settings{}, err
	}
	h, err := frame.ParseHeader(b[frame.PrefaceSize:])
	if err != nil {
		return frame.Settings{}, err
	}
	if h.Type != frame.TypeSettings {
		return frame.Settings{}, frame.Faultf("the first frame has type %d and not SETTINGS", h.Type)
	}
	body := make([]byte, h.Length)
	if err := in.ReadExactly(body); err != nil {
		return frame.Settings{}, err
	}
	return frame.ParseSettings(body)
}
