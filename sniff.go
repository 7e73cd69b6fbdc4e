package yodel

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/yodelrpc/yodel/rpc"
)

// firstRead is how much of a new connection is read at once. It takes the built-in protocols 8 bytes at most to tell;
// reading the whole of a small call as well saves a read, and lets a server that shuts down answer it.
const firstRead = 512

// sniff waits for the first bytes of a new connection until they tell what it speaks, and returns them as head. Of a
// connection that ended without a word it returns neither a protocol nor an error.
func sniff(nc net.Conn, protocols []rpc.Protocol) (d detected, head []byte, err error) {
	head = make([]byte, 0, firstRead)
	for {
		n, err := nc.Read(head[len(head):firstRead])
		head = head[:len(head)+n]
		switch d = detect(protocols, head); {
		case d.err != nil:
			return detected{}, nil, d.err
		case d.undecided:
		case d.protocol == nil && !d.tls:
			return detected{}, nil, fmt.Errorf("no protocol begins with the bytes %x", head[:min(len(head), 8)])
		default:
			return d, head, nil
		}
		if err != nil {
			return detected{}, nil, sniffError(head, err)
		}
	}
}

func sniffError(head []byte, err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("it sent only %d bytes, %x, in the time for the first ones", len(head), head)
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF) && len(head) == 0:
		return nil
	}
	return fmt.Errorf("it ended after the bytes %x: %w", head, err)
}
