package measure

import (
	"bytes"
	"context"
	"fmt"

	"github.com/yodelrpc/yodel/bench/load"
	"github.com/yodelrpc/yodel/bench/system"
)

// A Work is what the callers ask for.
type Work struct {
	Name string
	Help string
	kind kind
	size int // of an echo's payload, or of a stream's messages, in bytes
	n    int // messages of a stream
}

type kind int

const (
	divides kind = iota
	echoes
	bimodal
	connects
	idles
	feeds
	gathers
	chats
)

// Works lists all works in the order of the tables.
func Works() []Work {
	return []Work{
		{Name: "divide", Help: "two ints in, a float out", kind: divides},
		{Name: "echo128", Help: "128 bytes there and back", kind: echoes, size: 128},
		{Name: "echo1k", Help: "1 KiB there and back", kind: echoes, size: 1 << 10},
		{Name: "echo64k", Help: "64 KiB there and back", kind: echoes, size: 64 << 10},
		{Name: "echo1m", Help: "1 MiB there and back", kind: echoes, size: 1 << 20},
		{Name: "feed", Help: "a stream of 1,000 results of 16 bytes", kind: feeds, size: 16, n: 1000},
		{Name: "gather", Help: "a stream of 1,000 arguments of 16 bytes", kind: gathers, size: 16, n: 1000},
		{Name: "chat", Help: "1,000 messages of 16 bytes there, and back", kind: chats, size: 16, n: 1000},
		{Name: "feed64k", Help: "a stream of 100 results of 64 KiB", kind: feeds, size: 64 << 10, n: 100},
		{Name: "gather64k", Help: "a stream of 100 arguments of 64 KiB", kind: gathers, size: 64 << 10, n: 100},
		{Name: "chat64k", Help: "100 messages of 64 KiB there, and back", kind: chats, size: 64 << 10, n: 100},
		{Name: "bimodal", Help: "divide, busy for 1 us; each 100th sleeps 5 ms and is not timed", kind: bimodal},
		{Name: "connect", Help: "dial, one divide, close; the latency is that of all three", kind: connects},
		{Name: "idle", Help: "connections that carried one divide and wait; -callers says how many", kind: idles},
	}
}

// FindWork returns the work of that name.
func FindWork(name string) (Work, error) {
	var names []string
	for _, w := range Works() {
		if w.Name == name {
			return w, nil
		}
		names = append(names, w.Name)
	}
	return Work{}, fmt.Errorf("no work %q; there are %v", name, names)
}

// Handler is what the server runs for w.
func (w Work) Handler() system.Handler {
	if w.kind == bimodal {
		return system.Bimodal{}
	}
	return system.Plain{}
}

// caller makes calls on c. number tells the callers apart.
func (w Work) caller(c system.Conn, number int) load.Caller {
	switch w.kind {
	case echoes:
		return echoCaller(c, w.size)
	case bimodal:
		return bimodalCaller(c, number)
	case feeds, gathers, chats:
		return w.streamCaller(c)
	default:
		return func(ctx context.Context) (bool, error) { return true, divide(ctx, c) }
	}
}

// divide makes one call and checks its result.
func divide(ctx context.Context, c system.Conn) error {
	got, err := c.Divide(ctx, 200, 100)
	if err == nil && got != 2 {
		err = fmt.Errorf("200 / 100 was answered with %v", got)
	}
	return err
}

func echoCaller(c system.Conn, size int) load.Caller {
	payload := bytes.Repeat([]byte("payload "), size/8)
	return func(ctx context.Context) (bool, error) {
		got, err := c.Echo(ctx, payload)
		if err == nil && len(got) != len(payload) {
			err = fmt.Errorf("%d bytes came back as %d", len(payload), len(got))
		}
		return true, err
	}
}

// streamCaller makes a call with a stream.
func (w Work) streamCaller(c system.Conn) load.Caller {
	s, ok := c.(system.Streams)
	payload := make([]byte, w.size)
	return func(ctx context.Context) (bool, error) {
		if !ok {
			return true, fmt.Errorf("a %T has no streams", c)
		}
		switch w.kind {
		case feeds:
			return true, s.Feed(ctx, w.n, w.size)
		case gathers:
			return true, s.Gather(ctx, w.n, payload)
		}
		return true, s.Chat(ctx, w.n, payload)
	}
}

// slowEvery is how many calls of the bimodal work there are to each slow one.
const slowEvery = 100

func bimodalCaller(c system.Conn, number int) load.Caller {
	n := number // so that the callers' slow calls do not coincide
	return func(ctx context.Context) (bool, error) {
		n++
		if n%slowEvery == 0 {
			_, err := c.Divide(ctx, system.Slow, 1)
			return false, err
		}
		return true, divide(ctx, c)
	}
}
