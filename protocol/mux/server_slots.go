package mux

import (
	"github.com/yodelrpc/yodel/protocol/mux/internal/frame"
	"github.com/yodelrpc/yodel/rpc"
)

// nameMethod gives a method's number its name.
func (c *serverConn) nameMethod(number uint16, name []byte) error {
	if int(number) >= c.server.own.Methods {
		return frame.Faultf("method number %d, where numbers below %d are allowed", number, c.server.own.Methods)
	}
	for int(number) >= len(c.methods) {
		c.methods = append(c.methods, nil)
	}
	m := c.methods[number]
	if m == nil {
		m = c.newMethod(name)
		c.methods[number] = m
	}
	if *m.name != string(name) {
		return frame.Faultf("method number %d was %s and is now %s", number, rpc.Quote(*m.name),
			rpc.Quote(string(name)))
	}
	return nil
}

func (c *serverConn) newMethod(name []byte) *methodName {
	m := new(methodName)
	if m.route, m.err = c.server.dispatcher.Find(name); m.err == nil && m.route.FullName == string(name) {
		m.name = &m.route.FullName
	} else {
		own := string(name)
		m.name = &own
	}
	if m.err == nil {
		m.expected.Store(c.server.learned[m.route.Index].beginWith())
	}
	return m
}

// freeSlot returns the slot for a new call.
func (c *serverConn) freeSlot(id uint32) (*slot, error) {
	n := slotOf(id)
	if n >= c.server.own.Calls {
		return nil, frame.Faultf("a call in slot %d, where %d calls may be in flight", n, c.server.own.Calls)
	}
	for n/slotChunk >= len(c.slots) {
		c.slots = append(c.slots, nil)
	}
	if c.slots[n/slotChunk] == nil {
		c.slots[n/slotChunk] = new([slotChunk]slot)
	}
	s := &c.slots[n/slotChunk][n%slotChunk]
	if s.Load() != nil {
		return nil, frame.Faultf("a second call in slot %d, where one is running", n)
	}
	return s, nil
}

// find returns the call with the given id that is not answered yet, or nil.
func (c *serverConn) find(id uint32) *serverCall {
	n := slotOf(id)
	if n/slotChunk >= len(c.slots) || c.slots[n/slotChunk] == nil {
		return nil
	}
	sc := c.slots[n/slotChunk][n%slotChunk].Load()
	if sc == nil || sc.id != id {
		return nil
	}
	return sc
}

func (c *serverConn) eachCall(f func(*serverCall)) {
	for _, chunk := range c.slots {
		if chunk == nil {
			continue
		}
		for i := range chunk {
			if sc := chunk[i].Load(); sc != nil {
				f(sc)
			}
		}
	}
}
