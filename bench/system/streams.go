package system

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Streams are the streams of a Conn whose system has them: each method makes one call, in which count messages go one
// way, or there and back.
type Streams interface {
	// Feed receives messages of size bytes.
	Feed(ctx context.Context, count, size int) error
	// Gather sends payload, and learns how often it came.
	Gather(ctx context.Context, count int, payload []byte) error
	// Chat sends payload, and meanwhile receives it as often.
	Chat(ctx context.Context, count int, payload []byte) error
}

// ReceiveAll calls receive until io.EOF, and fails unless so many messages of size bytes come.
func ReceiveAll(count, size int, receive func() ([]byte, error)) error {
	for n := 0; ; n++ {
		b, err := receive()
		if errors.Is(err, io.EOF) && n == count {
			return nil
		}
		if err != nil {
			return fmt.Errorf("message %d of %d: %w", n, count, err)
		}
		if len(b) != size {
			return fmt.Errorf("message %d has %d bytes and not %d", n, len(b), size)
		}
	}
}

// Gathered fails unless all messages came.
func Gathered(came int64, sent int, err error) error {
	if err == nil && came != int64(sent) {
		err = fmt.Errorf("%d messages were sent, and %d came", sent, came)
	}
	return err
}

// SendAll calls send so many times, and then end.
func SendAll(count int, send, end func() error) error {
	for range count {
		if err := send(); err != nil {
			return err
		}
	}
	return end()
}

// Both runs send on a goroutine of its own while receive runs.
func Both(send, receive func() error) error {
	sent := make(chan error, 1)
	go func() { sent <- send() }()
	if err := receive(); err != nil {
		return err
	}
	return <-sent
}
