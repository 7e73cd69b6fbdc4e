package main

import (
	"net"
	"sync"
	"time"
)

// shape returns a connection over nc whose writes take as long as a network of rate bytes a second needs for them: a
// bucket of tokens, one a byte, that holds what comes in 2 ms, and 16 KiB at least. 0 is nc itself.
func shape(nc net.Conn, rate float64) net.Conn {
	if rate == 0 {
		return nc
	}
	return &shaped{Conn: nc, rate: rate, most: max(16<<10, rate*0.002), at: time.Now()}
}

type shaped struct {
	net.Conn
	rate, most float64

	mu     sync.Mutex
	tokens float64
	at     time.Time // when tokens were counted
}

// RemoteAddr is no address of this machine, on which nothing would be compressed.
func (s *shaped) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }

func (s *shaped) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		part := b[n:min(len(b), n+16<<10)]
		s.wait(float64(len(part)))
		var k int
		k, err = s.Conn.Write(part)
		n += k
	}
	return n, err
}

// wait takes n tokens. A sleep that is too long is made up for by the tokens that came meanwhile.
func (s *shaped) wait(n float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		now := time.Now()
		s.tokens = min(s.most, s.tokens+now.Sub(s.at).Seconds()*s.rate)
		s.at = now
		if s.tokens >= n {
			s.tokens -= n
			return
		}
		time.Sleep(time.Duration((n - s.tokens) / s.rate * float64(time.Second)))
	}
}
