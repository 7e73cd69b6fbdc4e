package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/rpc"
)

// What one HTTP/2 connection may hold in bodies: the first part of each, two messages beyond, and what the connection's
// window lets others send that wait for these. They leave the rest of the window to those that do not wait.
const (
	smallBody    = 32 << 10
	streamWindow = 64 << 10
	connWindow   = 4<<20 - 1
	unreadBodies = connWindow - 8*streamWindow
)

// A request is one that a handler works at. Shutdown hurries its peer while its body is read or its answer written.
type request struct {
	c  *serverConn
	w  *http.ResponseController
	r  *http.Request
	at time.Time // when its header was there

	cancel context.CancelFunc // of the handler's context
	large  int                // of the connection's budget for bodies

	mu      sync.Mutex
	phase   phase
	by      time.Time // when the body has to be there, once the server shuts down; zero before
	late    bool      // it was not
	takenBy time.Time // when the peer has to have taken the piece of the answer that is being written
}

type phase int

const (
	running phase = iota
	reading
	writing
	gone
)

func newRequest(c *serverConn, w http.ResponseWriter, r *http.Request) *request {
	return &request{c: c, w: http.NewResponseController(w), r: r, at: time.Now()}
}

// drain gives the peer until by to send the body, or a moment to read some of the answer.
func (x *request) drain(by time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.by = by
	switch x.phase {
	case reading:
		_ = x.w.SetReadDeadline(by)
	case writing:
		x.setWriteDeadlineLocked()
	}
}

// end says that the handler has returned, after which net/http allows nothing.
func (x *request) end() {
	x.mu.Lock()
	x.phase = gone
	late := x.late
	x.mu.Unlock()
	x.c.bodies.change(-x.large)
	x.c.end(x, !late)
}

// read reads the body, for whose rest there is time until a deadline that moves with what has come. Where a deadline
// cannot be set the connection has ended, which the next read tells, unless the body is here already.
func (x *request) read(limit int) (body []byte, status int, err *rpc.Error) {
	if x.r.ContentLength > int64(limit) {
		x.awaitMore(0) // what net/http still reads of the body
		return nil, http.StatusRequestEntityTooLarge, tooLong(limit)
	}
	for {
		if len(body) == cap(body) {
			if err := x.makeRoom(&body, limit); err != nil {
				return nil, http.StatusTooManyRequests, err
			}
		}
		x.awaitMore(len(body))
		n, err := x.r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, http.StatusRequestEntityTooLarge, tooLong(limit) // the deadline stays, as above
		case err == io.EOF:
			x.stopReading()
			return body, 0, nil
		case err != nil:
			status, err := x.readError(len(body), err)
			return nil, status, err
		}
	}
}

func tooLong(limit int) *rpc.Error {
	return rpc.Errorf(rpc.ResourceExhausted, "the body is longer than the limit of %d bytes", limit)
}

// makeRoom lets body grow, in step with what has come. A large one over HTTP/2 waits for its share of the connection's
// memory.
func (x *request) makeRoom(body *[]byte, limit int) *rpc.Error {
	n := len(*body)
	if x.c.http2 && n >= smallBody && x.large == 0 {
		larger := limit
		if x.r.ContentLength > 0 {
			larger = int(x.r.ContentLength)
		}
		began := time.Now()
		if err := x.c.bodies.acquire(x.r.Context(), larger, min(larger-n, streamWindow)); err != nil {
			return err
		}
		x.large = larger
		x.at = x.at.Add(time.Since(began)) // the peer could not go on
	}
	size := max(n+n/2, 512)
	if n < smallBody {
		size = min(size, smallBody)
	}
	if declared := int(x.r.ContentLength); n < declared {
		limit = declared
	}
	grown := make([]byte, n, min(size-1, limit)+1) // one more shows that it is no longer
	copy(grown, *body)
	*body = grown
	return nil
}

// decode returns what body was made of, of at most limit bytes. Over HTTP/2 it waits for the memory of limit bytes,
// since how many there will be is not known before.
func (x *request) decode(ctx context.Context, c *codings, codec *compress.Codec, body []byte, limit int) (
	plain []byte, status int, err *rpc.Error) {
	if x.c.http2 {
		x.c.bodies.change(-x.large)
		x.large = 0
		if err := x.c.bodies.acquire(ctx, limit, 0); err != nil {
			return nil, http.StatusTooManyRequests, err
		}
		x.large = limit
	}
	plain, status, err = c.decode(codec, body, limit)
	if x.c.http2 {
		x.c.bodies.change(len(plain) - x.large)
		x.large = len(plain)
	}
	return plain, status, err
}

// awaitMore gives the peer its time for the rest of the body, of which n bytes have come.
func (x *request) awaitMore(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.phase = reading
	_ = x.w.SetReadDeadline(earlier(x.c.limits.MessageDeadline(x.at, n), x.by))
}

func (x *request) stopReading() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.phase = running
	_ = x.w.SetReadDeadline(time.Time{}) // the next message may take its time
}

// readError says why there is no body.
func (x *request) readError(n int, err error) (status int, _ *rpc.Error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return http.StatusBadRequest, rpc.Errorf(rpc.InvalidArgument, "the body cannot be read: %w", err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.late = !x.by.IsZero(); x.late {
		return http.StatusRequestTimeout,
			rpc.Errorf(rpc.Unavailable,
				"the body cannot be read: the server shuts down, and %d bytes of it have come", n)
	}
	return http.StatusRequestTimeout, rpc.Errorf(rpc.DeadlineExceeded,
		"the body cannot be read: only %d bytes of it have come in %v", n, time.Since(x.at).Round(time.Millisecond))
}

// respond writes an answer. Over HTTP/2 each piece has the stall time to be taken by the peer; over HTTP/1 the
// connection sees to that.
func (x *request) respond(w http.ResponseWriter, status int, contentType string, body []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Length", fmt.Sprint(len(body)))
	if x.c.draining() {
		header.Set("Connection", "close")
	}
	w.WriteHeader(status)
	for len(body) > 0 {
		piece := body
		if x.c.http2 {
			piece = body[:min(writeChunk, len(body))]
			x.awaitTaken()
		}
		if _, err := w.Write(piece); err != nil {
			x.unread()
			return // net/http ends the connection, or the stream
		}
		body = body[len(piece):]
	}
}

func (x *request) awaitTaken() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.phase = writing
	x.setWriteDeadlineLocked()
}

func (x *request) setWriteDeadlineLocked() {
	wait := x.c.limits.Stall
	if x.late {
		wait = min(wait, drainGrace-begunGrace)
	} else if !x.by.IsZero() {
		wait = min(wait, drainGrace)
	}
	x.takenBy = time.Now().Add(wait)
	_ = x.w.SetWriteDeadline(x.takenBy)
}

// unread ends the connection whose peer does not read an answer while the server shuts down: other answers would wait
// behind it.
func (x *request) unread() {
	x.mu.Lock()
	stalled := !x.by.IsZero() && !x.takenBy.IsZero() && !time.Now().Before(x.takenBy)
	x.mu.Unlock()
	if stalled {
		x.c.Cut()
	}
}
