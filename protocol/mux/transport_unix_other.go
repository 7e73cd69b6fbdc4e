//go:build unix && !linux

package mux

import "syscall"

func (t *transport) readOnce(fd int) (int, error) { return syscall.Read(fd, t.reader.target()) }

type scatter struct{}

func (t *transport) writeOnce(fd int) (int, error) { return syscall.Write(fd, (*t.bufs)[0]) }

type gather struct{}
