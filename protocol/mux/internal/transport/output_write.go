package transport

import (
	"bytes"
	"errors"
	"math"
	"net"
	"os"
	"time"
)

// write writes what waits. The caller has set writing, and no longer has it when write returns. After some rounds a
// goroutine goes on in its place.
func (o *Output) write() {
	if o.writeOn(writeRounds) {
		o.writers.Add(1)
		go func() {
			defer o.writers.Done()
			for o.writeOn(math.MaxInt) {
			}
		}()
	}
}

// writeOn writes at most so many rounds of what waits, as far as the socket takes it without waiting. It returns true
// when the caller still has to write.
func (o *Output) writeOn(rounds int) (more bool) {
	for range rounds {
		rest, ok := o.take()
		if !ok {
			return false
		}
		if o.conn.isSocket() {
			rest = o.tryOnce()
		}
		if len(rest) > 0 {
			o.startWriter(rest)
			return false
		}
		o.endWrite()
	}
	return true
}

// take begins a write of what waits: small frames first, then pieces of the large messages, then what streams have. It
// returns false when there is nothing, or after an error: then the caller writes no more.
func (o *Output) take() (net.Buffers, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil && !o.isIdleLocked() && o.beginLocked() {
		return o.bufs, true
	}
	o.writing, o.waiting = false, false
	PutBuffer(o.buf)
	PutBuffer(o.spare)
	o.buf, o.spare = nil, nil
	if o.ending && !o.streams.waiting() {
		o.conn.closeWrite()
	}
	o.wakeRoomLocked()
	return nil, false
}

// isIdleLocked reports whether nothing waits to be written.
func (o *Output) isIdleLocked() bool {
	return len(o.buf) == 0 && len(o.large) == 0 && (!o.streams.waiting() || o.streams.blocked)
}

// beginLocked makes the next write, and returns false if streams alone have something, for which the credit is used up.
func (o *Output) beginLocked() bool {
	b := o.buf
	o.buf, o.spare = o.spare[:0], b
	o.pongs = 0
	o.size = int32(min(len(b), LargeBuffer))
	o.trying, o.small = o.written+uint64(len(b)), len(b)
	o.bufs = o.bufs[:0]
	if len(b) > 0 {
		o.bufs = append(o.bufs, b)
	}
	if len(o.large) > 0 {
		o.takePiecesLocked()
	}
	if o.streams.waiting() {
		o.takeStreamsLocked()
	}
	return len(o.bufs) > 0
}

// tryOnce writes what the socket takes of o.bufs now, and returns the rest. An error is kept for take.
func (o *Output) tryOnce() (rest net.Buffers) {
	n, err := o.conn.try(&o.bufs)
	o.wrote(n)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) { // Withdraw sets a deadline, which stops only drain
		o.Fail(err)
		return nil
	}
	return skip(o.bufs, n)
}

// skip returns bufs without their first n bytes.
func skip(bufs net.Buffers, n int) net.Buffers {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

// wrote counts n bytes more of the write that is under way.
func (o *Output) wrote(n int) {
	o.mu.Lock()
	small := min(n, o.small)
	o.small -= small
	o.written += uint64(small)
	o.taken += uint64(n)
	if n > small && o.pieces != nil {
		o.wrotePiecesLocked(n - small)
	}
	room := o.everyWrite
	if o.full.Load() && o.unreadLocked() < o.limit {
		o.full.Store(false)
		room = true
	}
	o.mu.Unlock()
	if room {
		o.onRoom()
	}
}

// endWrite ends the write that is under way.
func (o *Output) endWrite() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trying = 0
	clear(o.bufs[:cap(o.bufs)])
	o.releasePiecesLocked()
	o.streams.release()
	o.wakeRoomLocked()
}

// Fail keeps the first error and ends the connection, which its reader learns.
func (o *Output) Fail(err error) {
	o.mu.Lock()
	if o.err == nil {
		o.err = err
	}
	o.mu.Unlock()
	o.conn.close()
	o.wakeRoom()
}

// startWriter hands the writing to a goroutine that may wait.
func (o *Output) startWriter(rest net.Buffers) {
	o.mu.Lock()
	o.waiting = true
	o.waits++
	o.mu.Unlock()
	o.writers.Add(1)
	go func() {
		defer o.writers.Done()
		o.writeUntilIdle(rest)
	}()
}

// writeUntilIdle writes the rest of a write and then all that waits, and ends when nothing does.
func (o *Output) writeUntilIdle(rest net.Buffers) {
	for ok := true; ok; rest, ok = o.take() {
		o.writeAll(rest)
	}
}

// writeAll writes the rest of a write, for which it may wait up to the stall limit.
func (o *Output) writeAll(rest net.Buffers) {
	began, taken := time.Time{}, 0
	if o.onWait != nil {
		began = time.Now()
	}
	err := os.ErrDeadlineExceeded
	for n := int64(1); n > 0 && errors.Is(err, os.ErrDeadlineExceeded) && o.setStall(); {
		n, err = o.conn.write(&rest) // goes on as long as the peer takes anything
		o.wrote(int(n))
		taken += int(n)
	}
	if o.onWait != nil {
		o.tellWait(taken, time.Since(began))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && o.isInterrupted() {
		err = o.writeCopy(rest)
	}
	o.endWrite()
	o.conn.writeBy(time.Time{})
	if err != nil {
		o.Fail(err)
	}
}

// longWrite is how long a write takes at least that has waited for the network, and not for the processor alone.
const longWrite = 500 * time.Microsecond

// tellWait tells onWait of a write, if others waited for it or it has taken long itself.
func (o *Output) tellWait(n int, took time.Duration) {
	o.mu.Lock()
	waited := took >= longWrite || len(o.buf) > 0 || len(o.large) > 0
	o.mu.Unlock()
	if waited && n > 0 {
		o.onWait(n, took)
	}
}

// OnWait makes f learn, on the goroutine that writes, how many bytes the network took in which time while others
// waited. It comes before anything is queued.
func (o *Output) OnWait(f func(n int, took time.Duration)) { o.onWait = f }

// writeCopy writes the rest of an interrupted write from a copy, since frames that have begun must end.
func (o *Output) writeCopy(rest net.Buffers) error {
	b := net.Buffers{bytes.Join(rest, nil)}
	o.mu.Lock()
	o.stopReadingLocked()
	o.mu.Unlock()
	o.conn.writeBy(time.Now().Add(o.stall))
	n, err := o.conn.write(&b)
	o.wrote(int(n))
	return err
}

// setStall gives the peer the stall limit's time to read, unless the write is interrupted, whose deadline must stay.
func (o *Output) setStall() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pieces != nil && o.pieces.interrupted != nil {
		return false
	}
	o.conn.writeBy(time.Now().Add(o.stall))
	return true
}

func (o *Output) isInterrupted() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pieces != nil && o.pieces.interrupted != nil
}

// roomLocked returns the channel by which the one goroutine that waits learns that something was written.
func (o *Output) roomLocked() chan struct{} {
	if o.room == nil {
		o.room = make(chan struct{}, 1)
	}
	return o.room
}

func (o *Output) wakeRoom() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.wakeRoomLocked()
}

func (o *Output) wakeRoomLocked() {
	select {
	case o.room <- struct{}{}:
	default: // nobody waits, or it has been told
	}
}
