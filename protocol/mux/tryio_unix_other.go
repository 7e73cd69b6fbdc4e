//go:build unix && !linux

package mux

import "syscall"

func (in *input) readOnce(fd int) (int, error) { return syscall.Read(fd, in.target()) }

type scatter struct{}

func (o *output) writeOnce(fd int) (int, error) { return syscall.Write(fd, o.try[0]) }

type gather struct{}
