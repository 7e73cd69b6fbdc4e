package pipeline

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// maxBacklog is how many bytes may wait while the server takes none. Further callers wait before they encode.
const maxBacklog = 1 << 20

// Why a connection ended, where no other error says it.
var (
	errClosed  = errors.New("it was closed on this side")
	errHungUp  = errors.New("the server closed it")
	errRefused = errors.New("the server is shutting down")
	errSilent  = errors.New("nothing came from the server while deadlines passed")
)

// A Conn is the client's end of a connection. Callers encode their requests one after another into one buffer, which
// one of them writes; a goroutine reads the answers. A caller that gives up leaves its place in the order, so that the
// answer is read and dropped. Nothing about deadlines and cancellation travels.
type Conn struct {
	nc       net.Conn
	protocol string
	address  string
	peer     *rpc.Peer
	limits   rpc.Limits
	log      *rpc.Log
	done     chan struct{}
	ended    chan struct{}  // closed when the reader has ended, which ends the calls that are left
	routines sync.WaitGroup // the reader, and a writer that is not a caller
	pendings sync.Pool

	mu      sync.Mutex
	codec   ClientCodec
	queue   queue
	out     []byte // encoded, not taken by a writer
	spare   []byte // the buffer that out is swapped with
	taken   uint64 // bytes that writers took, of all that was ever to be sent
	sent    uint64 // bytes that the network took
	writing bool   // somebody writes
	idle    sync.Cond
	err     *rpc.Error
	refused bool          // the server runs none of the requests without an answer
	missed  int           // deadlines that passed since anything came from the server
	silent  time.Time     // when the first of them did
	room    chan struct{} // closed when out shrinks; nil while nobody waits for that
	sweeper *time.Timer
	sweepAt time.Time

	sink  output    // belongs to who writes
	began time.Time // belongs to the reader: when the answer began of which bytes are missing; zero for none
}

// Dial connects, over the named protocol. The connection has one goroutine, which ends with it; another writes while a
// caller's write would block.
func Dial(ctx context.Context, o rpc.ConnOptions, protocol string, newCodec func(rpc.Limits) ClientCodec) (*Conn,
	error) {
	nc, err := o.Dial(ctx)
	if err != nil {
		return nil, err
	}
	limits := o.Limits.WithDefaults()
	c := &Conn{
		nc: nc, protocol: protocol, address: o.Address, peer: o.Peer, limits: limits, log: o.Log,
		codec: newCodec(limits), done: make(chan struct{}), ended: make(chan struct{}),
		sink: output{nc: nc, stall: limits.Stall, slices: canSlice(nc)},
	}
	c.pendings.New = func() any { return &pending{done: make(chan struct{}, 1)} }
	c.idle.L = &c.mu
	c.sweeper = time.AfterFunc(time.Hour, c.sweep)
	c.sweeper.Stop()
	c.routines.Go(func() {
		defer close(c.ended)
		c.readAnswers()
	})
	return c, nil
}

// Done is closed when the connection takes no more calls.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Ended is closed when each of the connection's calls has its outcome, after Done.
func (c *Conn) Ended() <-chan struct{} { return c.ended }

// Peer returns the server's end, as Dial was told.
func (c *Conn) Peer() *rpc.Peer { return c.peer }

// Err returns why, once Done is closed.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return nil
	}
	return c.err
}

// Close ends the connection and every call on it, and waits for its goroutines.
func (c *Conn) Close() error {
	c.fail(errClosed)
	c.nc.Close()
	c.routines.Wait()
	return nil
}

// fail makes the connection take no more calls.
func (c *Conn) fail(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(reason)
}

func (c *Conn) failLocked(reason error) {
	if c.err == nil {
		c.err = brokenError(c.address, reason)
		close(c.done)
		c.wakeWaitingLocked()
	}
}
