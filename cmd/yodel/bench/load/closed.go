package load

import (
	"sync"
	"time"
)

func (r *run) closed() {
	var callers sync.WaitGroup
	for number := range r.Callers {
		callers.Go(func() { r.loop(number) })
	}
	callers.Wait()
}

// loop is one caller.
func (r *run) loop(number int) {
	for r.ctx.Err() == nil {
		start := time.Now()
		if r.counts(start) && !r.admit(start) {
			return
		}
		r.make(number, start)
	}
}
