//go:build unix && !linux

package transport

import "syscall"

func (t *Conn) readOnce(fd int) (int, error) { return syscall.Read(fd, t.reader.target()) }

type scatter struct{}

func (t *Conn) writeOnce(fd int) (int, error) { return syscall.Write(fd, (*t.bufs)[0]) }

type gather struct{}
