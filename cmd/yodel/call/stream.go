package call

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/client"
	"github.com/yodelrpc/yodel/dynamic"
	"github.com/yodelrpc/yodel/rpc"
)

// stream makes a call of a method with a stream: what the method takes as one comes from in, an element a line, and
// results are printed as they come.
func stream(ctx context.Context, in io.Reader, out io.Writer, ready *client.Call, ch rpc.Channel) error {
	return ready.Method.Stream(ctx, ch, ready.Args(), func(ctx context.Context, s *dynamic.Stream) error {
		ctx, cancel := context.WithCancelCause(ctx)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			if ready.Method.Schema().StreamParam != nil {
				if err := sendLines(ctx, in, s); err != nil {
					cancel(err)
				}
			}
		}()
		defer func() {
			cancel(nil)
			<-sent
		}()
		err := printResults(ctx, out, s)
		if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
			return cause // what could not be sent, in place of a call that was canceled for it
		}
		return err
	})
}

// printResults prints a line for each result.
func printResults(ctx context.Context, out io.Writer, s *dynamic.Stream) error {
	var line []byte
	for {
		b, err := s.RecvJSON(ctx, line[:0])
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		line = append(b, '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
}

// sendLines sends what stands on the lines of in, and then says that nothing more comes.
func sendLines(ctx context.Context, in io.Reader, s *dynamic.Stream) error {
	for line := range readLines(ctx, in) {
		if line.err != nil {
			return &inputError{fmt.Errorf("standard input: %w", line.err)}
		}
		switch err := s.SendJSON(ctx, line.text); {
		case err == io.EOF:
			return nil // Recv says why the stream has ended
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			if e, ok := errors.AsType[*rpc.Error](err); ok {
				err = errors.New(e.Message) // of an element that has not gone; the outcome would be that of the call
			}
			return &inputError{fmt.Errorf("line %d of standard input: %w", line.number, err)}
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return s.CloseSend()
}

// An inputError is what is wrong with standard input, which is no error of the call's.
type inputError struct{ error }

type line struct {
	number int
	text   []byte
	err    error
}

// readLines returns the lines that are not blank, until ctx ends. Its goroutine may wait for standard input for as long
// as the program runs.
func readLines(ctx context.Context, in io.Reader) <-chan line {
	lines := make(chan line)
	go func() {
		defer close(lines)
		r := bufio.NewReader(in)
		for number := 1; ; number++ {
			text, err := r.ReadBytes('\n')
			if text = bytes.TrimSpace(text); len(text) > 0 || err != nil && err != io.EOF {
				l := line{number, text, nil}
				if len(text) == 0 {
					l.err = err
				}
				select {
				case lines <- l:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}
