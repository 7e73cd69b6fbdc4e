package mux_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yodelrpc/yodel/internal/nettest"
	"github.com/yodelrpc/yodel/protocol/mux"
	"github.com/yodelrpc/yodel/rpc"
)

// A withholder is a client, in a bubble, that sends a large message on each of many streams, but for the last byte.
type withholder struct {
	raw
	mu      sync.Mutex
	conn    window
	streams []*window
	errors  []rawFrame
}

// A window is what may be sent, and has been.
type window struct{ allowed, sent int }

// withhold connects a withholder to a server whose handlers wait in Recv.
func withhold(t *testing.T, limits rpc.ServerLimits, h streamHandlers) *withholder {
	t.Helper()
	d, err := rpc.NewDispatcher([]*rpc.Service{h.service()}, rpc.DispatcherOptions{Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	s := mux.NewServer(d)
	ours, theirs := net.Pipe()
	go s.ServeConn(theirs, nil, new(rpc.Peer))
	t.Cleanup(func() { _ = ours.Close(); _ = s.Close() })
	w := &withholder{raw: raw{t, ours}, conn: window{allowed: limits.WithDefaults().Streams}}
	go func() {
		_, _ = io.ReadFull(ours, make([]byte, len(hello)))
		for w.handle(w.readFrame()) {
		}
	}()
	w.send(hello + frame(tSettings, 0, 0, 0, streamSettings))
	return w
}

// handle takes note of what the server sends.
func (w *withholder) handle(f rawFrame) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case f.kind == tCredit && f.flags&fConnection != 0:
		w.conn.allowed = max(w.conn.allowed, int(binary.LittleEndian.Uint64([]byte(f.body))))
	case f.kind == tCredit:
		s := w.streams[f.id]
		s.allowed = max(s.allowed, int(binary.LittleEndian.Uint64([]byte(f.body))))
	case f.kind == tError:
		w.errors = append(w.errors, f)
	}
	return f.kind != 0
}

// open begins a stream, whose handler then waits.
func (w *withholder) open() (id int) {
	w.mu.Lock()
	id = len(w.streams)
	w.streams = append(w.streams, &window{allowed: 64 << 10})
	w.mu.Unlock()
	w.send(openStream(uint32(id)))
	synctest.Wait()
	return id
}

// piece sends a frame of a message, unless there is too little credit.
func (w *withholder) piece(id, cost int, frame string) bool {
	w.mu.Lock()
	s := w.streams[id]
	ok := s.sent+cost <= s.allowed && w.conn.sent+cost <= w.conn.allowed
	if ok {
		s.sent += cost
		w.conn.sent += cost
	}
	w.mu.Unlock()
	if ok {
		w.send(frame)
		synctest.Wait()
	}
	return ok
}

// most sends as much of a message of total bytes on each of the streams as there is credit for, but for the last byte
// of each. It returns how many bytes that is.
func (w *withholder) most(streams, total int) (held int) {
	w.tb.Helper()
	have := make([]int, streams)
	for range have {
		w.open()
	}
	for more := true; more; {
		more = false
		for id := range have {
			n := min(total-1-have[id], 32<<10)
			body := strings.Repeat("x", n)
			sent := false
			switch {
			case n == 0:
			case have[id] == 0:
				sent = w.piece(id, 12+4+n, frame(tItem, fPieces, 0, uint32(id), u32(total)+body))
			default:
				sent = w.piece(id, n, frame(tItem, fRest, 0, uint32(id), body))
			}
			if sent {
				have[id] += n
				held += n
				more = true
			}
		}
	}
	return held
}

// ended returns the answers that are errors, after so long a time.
func (w *withholder) ended(after time.Duration) []rawFrame {
	time.Sleep(after)
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.errors
}

// However many messages begin whose receivers wait for them, a connection holds no more of them than 8 times
// Limits.Message beside the credit of its streams. They have their time to become whole; then their streams end, and
// those that waited for room go on.
func TestBegunMessagesOfStreamsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const message, window, streams = 256 << 10, 2 << 20, 40
		limits := rpc.ServerLimits{Limits: rpc.Limits{Message: message, Stream: 64 << 10, Streams: window}}
		var ended atomic.Int32
		w := withhold(t, limits, streamHandlers{chat: func(ctx context.Context, s *talk) error {
			_, err := s.Recv(ctx)
			ended.Add(1)
			return err
		}})
		if held, bound := w.most(streams, message), 8*message+window; held > bound {
			t.Errorf("a connection holds %d bytes of messages that are not whole; the bound is %d", held, bound)
		} else if held < 8*message {
			t.Errorf("only %d bytes came, and 8 messages may be under way", held)
		}
		if got := w.ended(29 * time.Second); len(got) > 0 {
			t.Errorf("before its time a stream ends with %+v", got)
		}
		got := w.ended(time.Hour)
		for _, f := range got {
			if f.body[0] != byte(rpc.DeadlineExceeded) && f.body[0] != byte(rpc.ResourceExhausted) ||
				!strings.Contains(f.body, "30s") {
				t.Errorf("a stream ends with %+v", f)
			}
		}
		if len(got) != streams {
			t.Errorf("%d of %d streams have ended", len(got), streams)
		}
		// What they held is free again.
		id := w.open()
		body := "\x0a" + varint(200_000) + strings.Repeat("x", 200_000)
		if !w.piece(id, 12+4+1000, frame(tItem, fPieces, 0, uint32(id), u32(len(body))+body[:1000])) {
			t.Fatalf("no credit is left for a new stream: %+v", w.conn)
		}
		for body = body[1000:]; len(body) > 0; {
			n := min(len(body), 32<<10)
			if !w.piece(id, n, frame(tItem, fRest, 0, uint32(id), body[:n])) {
				t.Fatalf("%d bytes cannot be sent: %+v, %+v", len(body), w.conn, *w.streams[id])
			}
			body = body[n:]
		}
		if got := w.ended(time.Hour); len(got) != streams || ended.Load() != streams+1 {
			t.Errorf("a whole message ends with %+v", got)
		}
	})
}

// A message for which somebody waits has its time as a whole: pieces now and then do not renew it. For one that nobody
// reads it does not begin.
func TestBegunMessageOfAStreamHasItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reads := make(chan bool)
		w := withhold(t, rpc.ServerLimits{}, streamHandlers{chat: func(ctx context.Context, s *talk) error {
			<-reads
			_, err := s.Recv(ctx)
			return err
		}})
		id := w.open()
		w.piece(id, 12+4+1, firstPiece(uint32(id), 1<<20))
		if got := w.ended(time.Hour); len(got) > 0 {
			t.Fatalf("a stream that nobody reads ends with %+v", got)
		}
		close(reads)
		for range 3 {
			w.piece(id, 1, frame(tItem, fRest, 0, uint32(id), "x"))
			if got := w.ended(9 * time.Second); len(got) > 0 {
				t.Fatalf("before its time it ends with %+v", got)
			}
		}
		got := w.ended(3 * time.Second)
		if len(got) != 1 || got[0].body[0] != byte(rpc.DeadlineExceeded) ||
			!strings.Contains(got[0].body, "not whole 30s after") {
			t.Errorf("it ends with %+v", got)
		}
	})
}

// More large messages at once than may be under way, both ways, are no error: their senders wait for one another.
func TestManyLargeMessagesOfStreams(t *testing.T) {
	t.Parallel()
	const message, streams = 256 << 10, 40
	limits := rpc.Limits{Message: message, Stream: 64 << 10}
	f := serve(t, nettest.TCP, rpc.ServerLimits{Limits: limits}, streamHandlers{}.service())
	c, err := mux.Dial(t.Context(), rpc.ConnOptions{Dial: f.dial, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var callers sync.WaitGroup
	for range streams {
		callers.Go(func() {
			n := 0
			for b, err := range exchangeAll(t.Context(), c, patterns(5, message-100)) {
				if err != nil {
					t.Error(err)
					return
				}
				if n += len(b); len(b) != message-100 {
					t.Errorf("a message has %d bytes", len(b))
				}
			}
			if n != 5*(message-100) {
				t.Errorf("%d bytes came", n)
			}
		})
	}
	callers.Wait()
}
