package mux

// RunOnReaders makes the server run handlers on the readers of their connections, as it does with those that are fast.
func (s *Server) RunOnReaders() {
	for i := range s.learned {
		s.learned[i].inline.Store(true)
	}
}
