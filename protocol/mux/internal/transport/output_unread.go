package transport

// Bound makes limit the number of unread bytes from which on [Output.Full] is true, before anything is queued. When a write
// has ended that, and as [Output.NotifyEveryWrite] has it, onRoom is called.
func (o *Output) Bound(limit int, onRoom func()) { o.limit, o.onRoom = limit, onRoom }

// Limit returns the limit that Bound has set, 0 for none.
func (o *Output) Limit() int { return o.limit }

// Full reports whether as many bytes are unread as the limit allows.
func (o *Output) Full() bool { return o.full.Load() }

// unreadLocked returns how many bytes wait that the network has not taken.
func (o *Output) unreadLocked() int { return int(o.queued-o.written) + o.unsentLarge }

func (o *Output) checkFullLocked() {
	if o.limit > 0 && !o.full.Load() && o.unreadLocked() >= o.limit {
		o.full.Store(true)
	}
}

// NotifyEveryWrite makes every write call onRoom, or only those that end full.
func (o *Output) NotifyEveryWrite(all bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.everyWrite = all
}

// Unread is unreadLocked for those who do not hold the lock.
func (o *Output) Unread() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.unreadLocked()
}

// Progress returns how many bytes the network has ever taken, and a number for the writer that waits until it takes more,
// 0 for none.
func (o *Output) Progress() (taken, waiting uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.waiting {
		return o.taken, 0
	}
	return o.taken, uint64(o.waits)
}
