package mux

// unreadLocked returns how many bytes wait that the network has not taken.
func (o *output) unreadLocked() int { return int(o.queued-o.written) + o.unsentLarge }

func (o *output) checkFullLocked() {
	if o.limit > 0 && !o.full.Load() && o.unreadLocked() >= o.limit {
		o.full.Store(true)
	}
}

// notifyEveryWrite makes every write call onRoom, or only those that end full.
func (o *output) notifyEveryWrite(all bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.everyWrite = all
}

// unread is unreadLocked for those who do not hold the lock.
func (o *output) unread() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unreadLocked()
}

// progress returns how many bytes the network has ever taken, and a number for the writer that waits until it takes more,
// 0 for none.
func (o *output) progress() (taken, waiting uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.waiting {
		return o.taken, 0
	}
	return o.taken, uint64(o.waits)
}
