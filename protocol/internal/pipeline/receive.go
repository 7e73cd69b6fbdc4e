package pipeline

import (
	"fmt"
	"io"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// maxBatch bounds how many answers leave the queue before their callers are woken.
const maxBatch = 64

// A received is an answer with the call it belongs to.
type received struct {
	*pending // nil if the caller has left
	answer   Answer
	message  []byte
	item     bool // of a stream, behind which others follow
}

// readAnswers is the connection's goroutine. It ends with the connection. Where reading an answer ends it, another one
// goes on with what is left.
func (c *Conn) readAnswers() {
	a := arrivals{input: newInput(nil)}
	rpc.Persist(func() { c.fail(c.readAll(&a)) })
	c.nc.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing {
		c.idle.Wait()
	}
	c.sweeper.Stop()
	for c.queue.len() > 0 {
		e := c.queue.pop()
		if e.pending == nil {
			continue
		}
		outcome := rpc.OutcomeUnknown
		if e.start >= c.sent || c.refused {
			outcome = rpc.OutcomeNotStarted
		}
		e.settle(c.err.For(e.call.Method, outcome))
	}
}

// arrivals are the bytes that have arrived, and the answers in them that have left the queue.
type arrivals struct {
	input
	batch   []received
	settled int   // of batch
	err     error // what cannot be read comes behind the batch
}

func (c *Conn) readAll(a *arrivals) error {
	for {
		c.settle(a)
		if a.err != nil {
			return a.err
		}
		if len(a.batch) < maxBatch { // else there may be more
			if err := c.read(&a.input); err != nil {
				return err
			}
		}
		a.batch, a.err = c.takeOut(&a.input, a.batch[:0])
		a.settled = 0
	}
}

// settle ends the calls of which the answers have arrived.
func (c *Conn) settle(a *arrivals) {
	for a.settled < len(a.batch) {
		r := a.batch[a.settled]
		a.settled++
		if r.pending == nil {
			continue
		}
		if r.item {
			r.pending.stream.deliver(r.message)
			continue
		}
		answer := c.decode(r)
		if r.pending.stream != nil {
			r.pending.stream.answered.Store(true)
		}
		if isRefusal(answer) {
			c.refuse()
			a.err = errRefused
		}
		r.settle(answer)
	}
	clear(a.batch)
}

// read waits for more bytes, for those of an answer that has begun only so long.
func (c *Conn) read(in *input) error {
	partial := in.pending() > 0
	if partial {
		if c.began.IsZero() {
			c.began = time.Now()
		}
		_ = c.nc.SetReadDeadline(c.limits.MessageDeadline(c.began, in.pending()))
		defer c.nc.SetReadDeadline(time.Time{})
	}
	n, err := c.nc.Read(in.room())
	in.filled(n)
	switch {
	case n > 0:
		return nil
	case isTimeout(err):
		return slowError(in.pending())
	case err == io.EOF && partial:
		return io.ErrUnexpectedEOF
	case err == io.EOF:
		return errHungUp
	}
	return err
}

// isRefusal reports whether an answer says that the server has not run the call, nor will any that follows it on the
// connection.
func isRefusal(answer error) bool {
	e, ok := answer.(*rpc.Error)
	return ok && e.Outcome == rpc.OutcomeNotStarted
}

// refuse ends the connection because the server runs no more of its requests: before a caller learns of that, who may
// send its call again elsewhere.
func (c *Conn) refuse() {
	c.fail(errRefused)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused = true
}

// takeOut takes calls out of the queue whose answers have arrived. After an error nothing that follows can be told
// apart.
func (c *Conn) takeOut(in *input, batch []received) ([]received, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed = 0
	for len(batch) < maxBatch && in.pending() > 0 {
		if c.queue.len() == 0 || c.queue.at(c.queue.head).start >= c.taken {
			return batch, fmt.Errorf("the server sent %d bytes that no call asked for", in.pending())
		}
		e := c.queue.at(c.queue.head)
		message, ok, err := in.next(e.answer)
		if err != nil {
			return batch, c.refuseLocked(err)
		}
		if !ok {
			break
		}
		item := e.stream != nil && e.stream.IsItem(message)
		batch = append(batch, received{e.pending, e.answer, message, item})
		if !item {
			c.queue.pop()
		}
		c.began = time.Time{}
	}
	if !c.writing && c.err == nil && len(c.out) > 0 && !c.aheadLocked() { // a writer has waited for these answers
		c.writing = true
		c.routines.Go(func() { c.writeRest(c.take(nil), 0) })
	}
	return batch, nil
}

// refuseLocked ends the first call with the reason for which its answer cannot be read, and returns the others'.
func (c *Conn) refuseLocked(err error) error {
	e := c.queue.pop()
	if e.pending != nil {
		e.settle(err.(*rpc.Error).For(e.call.Method, rpc.OutcomeAnswered))
	}
	return fmt.Errorf("an answer before this one cannot be read: %w", err)
}

// decode reads an answer. Where that ends the goroutine, the call is settled with an error that says so.
func (c *Conn) decode(r received) error {
	err := c.guard(r.call.Method).Run("what reads the answer", func() error {
		return r.answer.Decode(r.message, r.call)
	}, func(e *rpc.Error) { r.settle(e.For(r.call.Method, rpc.OutcomeAnswered)) })
	if e, ok := err.(*rpc.Error); ok && e.Outcome != rpc.OutcomeNotStarted {
		return e.For(r.call.Method, rpc.OutcomeAnswered)
	} else if ok {
		return e.For(r.call.Method, rpc.OutcomeNotStarted)
	}
	return err
}
