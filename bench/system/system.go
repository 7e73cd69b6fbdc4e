// Package system says what the benchmark needs of each RPC system that it compares: to serve two methods on a
// listener, and to dial connections that call them. Each peer fills in one System value; see package peers/grpc for
// the shortest example.
package system

import (
	"context"
	"net"
)

// A Role says on which side of the comparison a system stands.
type Role int

const (
	Peer    Role = iota // an RPC system that people use
	Bound               // not an RPC system but what one could cost at the least
	Subject             // Yodel
)

// A System is one RPC system, set up as its own documentation advises.
type System struct {
	Name   string // as the tables show it: "grpc-go"
	Module string // the module whose version the tables show; empty for the standard library and our own code
	Role   Role
	Setup  string // what is particular about the set-up: "framed binary, a connection a caller"

	// PerCaller says that a connection carries one call at a time, so that each caller gets one of its own.
	PerCaller bool

	// Serve answers calls on ln with h. It returns when ln is closed or fails.
	Serve func(ln net.Listener, h Handler) error

	// Dial connects to a server that Serve runs.
	Dial func(ctx context.Context, addr string) (Conn, error)
}

// A Handler is what every server runs. Its methods are called by many goroutines at once.
type Handler interface {
	Divide(num1, num2 int32) float32
	Echo(payload []byte) []byte // may return payload itself; keeps nothing
}

// A Conn is a connection to a server. Many callers call it at once, unless the system is PerCaller.
type Conn interface {
	Divide(ctx context.Context, num1, num2 int32) (float32, error)

	// Echo leaves payload unchanged and does not keep it. The result belongs to the caller.
	Echo(ctx context.Context, payload []byte) ([]byte, error)

	Close() error
}
