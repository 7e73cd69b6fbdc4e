//go:build unix && !linux

package mux

import "syscall"

func (in *input) readOnce(fd int) (int, error) { return syscall.Read(fd, in.target()) }

type scatter struct{}
