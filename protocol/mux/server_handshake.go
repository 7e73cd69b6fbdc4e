package mux

import (
	"fmt"

	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
)

// handshake reads the client's preface and settings and sends the server's.
func (c *serverConn) handshake() error {
	c.beginHandshake()
	var b [frame.PrefaceSize]byte
	if err := c.in.ReadExactly(b[:]); err != nil {
		return err
	}
	if string(b[:len(frame.Magic)]) != frame.Magic {
		return fmt.Errorf("it begins with % x", b[:len(frame.Magic)])
	}
	if _, err := c.in.Conn().NetConn().Write(c.server.own.Hello()); err != nil {
		return err
	}
	if v := b[len(frame.Magic)]; v != frame.Version {
		return frame.Faultf("it speaks version %d, and this server version %d", v, frame.Version)
	}
	var head [frame.HeaderSize]byte
	if err := c.in.ReadExactly(head[:]); err != nil {
		return err
	}
	h, err := frame.ParseHeader(head[:])
	if err == nil && h.Type != frame.TypeSettings {
		err = frame.Faultf("the first frame has type %d and not SETTINGS", h.Type)
	}
	if err != nil {
		return err
	}
	body := make([]byte, h.Length)
	if err := c.in.ReadExactly(body); err != nil {
		return err
	}
	accepts, err := frame.ParseSettings(body)
	if err != nil {
		return err
	}
	c.peerMessage, c.peerMetadata, c.peerDetails = int32(accepts.Message), int32(accepts.Metadata), int32(
		accepts.Details)
	return c.endHandshake()
}
