//go:build !unix

package yodel

import (
	"context"
	"errors"
)

func (s *Server) serveProcesses(context.Context, int, string, string) error {
	return errors.New("the mode Processes needs a unix system; use Concurrent")
}
