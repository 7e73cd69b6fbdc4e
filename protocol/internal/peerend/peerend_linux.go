package peerend

import (
	"syscall"
	"unsafe"
)

// What poll tells of (see poll(2)); package syscall lacks them.
const (
	pollErr   = 0x0008
	pollHup   = 0x0010
	pollRdHup = 0x2000 // the peer has ended its side, whatever is unread
)

// pollFD is struct pollfd.
type pollFD struct {
	fd              int32
	events, revents int16
}

// known says that reached can tell.
const known = true

// reached asks with a poll that does not wait.
func reached(fd int) bool {
	p := pollFD{fd: int32(fd), events: pollRdHup}
	var none syscall.Timespec
	n, _, errno := syscall.Syscall6(syscall.SYS_PPOLL,
		uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&none)), 0, 0, 0)
	return errno == 0 && n == 1 && p.revents&(pollErr|pollHup|pollRdHup) != 0
}
