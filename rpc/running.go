package rpc

import "sync"

// Running is the calls whose handlers run, for a server that wants to say which ones it leaves behind. The zero value
// is ready.
type Running struct {
	mu    sync.Mutex
	calls map[*ServerContext]struct{}
}

// Add counts a call, until Remove.
func (r *Running) Add(c *ServerContext) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = make(map[*ServerContext]struct{})
	}
	r.calls[c] = struct{}{}
}

// Remove says that the call's handler has returned.
func (r *Running) Remove(c *ServerContext) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls, c)
}

// Methods returns the methods of the calls, each as often as it runs.
func (r *Running) Methods() []*Method {
	r.mu.Lock()
	defer r.mu.Unlock()
	methods := make([]*Method, 0, len(r.calls))
	for c := range r.calls {
		methods = append(methods, c.info.Method)
	}
	return methods
}
