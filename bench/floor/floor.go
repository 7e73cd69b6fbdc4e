// Package floor is the least that a multiplexed call can cost in Go: frames with ids over one TCP connection and
// writes that are combined, without names, deadlines, metadata, errors or limits. Nobody should use it for anything but
// to compare with. Plain is less still: a connection a caller, who writes a request and reads the reply himself.
package floor

import (
	"net"

	"github.com/yodelrpc/yodel/bench/system"
)

// Inline is the floor with handlers that run on the connection's reader.
func Inline() system.System {
	return system.System{
		Name:  "floor",
		Role:  system.Bound,
		Setup: "ids and combined writes, handlers on the reader",
		Serve: func(ln net.Listener, h system.Handler) error {
			return accept(ln, func(c net.Conn) { serveInline(c, h) })
		},
		Dial: dialMux,
	}
}

// Spawn is the floor with a goroutine for each request.
func Spawn() system.System {
	return system.System{
		Name:  "floor-go",
		Role:  system.Bound,
		Setup: "ids and combined writes, a goroutine a request",
		Serve: func(ln net.Listener, h system.Handler) error {
			return accept(ln, func(c net.Conn) { serveSpawn(c, h) })
		},
		Dial: dialMux,
	}
}

// Plain is a ping-pong of the same frames, for large messages too: payloads are written where they lie and read
// straight into their final buffer.
func Plain() system.System {
	s := Inline()
	s.Name = "plain"
	s.Setup = "framed ping-pong, a connection a caller"
	s.PerCaller = true
	s.Dial = dialPlain
	return s
}

func accept(ln net.Listener, serve func(net.Conn)) error {
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go serve(c)
	}
}
