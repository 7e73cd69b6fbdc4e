//go:build !unix

package supervise

import (
	"context"
	"errors"
	"net"
)

// Supported reports whether the system has what this package needs.
const Supported = false

// Run returns an error.
func Run(context.Context, Options) error { return errors.New("workers need a unix system") }

// A Worker is what this process has from its supervisor: nothing, here.
type Worker struct{}

// Inherited returns nil: this process is no worker.
func Inherited() *Worker { return nil }

// Serve returns an error.
func (*Worker) Serve(context.Context, string, func(context.Context, net.Listener) error) error {
	return errors.New("workers need a unix system")
}
