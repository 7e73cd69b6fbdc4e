package mux

// RunOnReaders makes the server run handlers on the readers of their connections, as it does with those that are fast.
func (s *Server) RunOnReaders() {
	for i := range s.learned {
		s.learned[i].inline.Store(true)
	}
}

// Unanswered returns how many calls run on all connections.
func (s *Server) Unanswered() (n int) {
	for _, c := range s.conns.All() {
		n += int(c.running.Load())
	}
	return n
}
