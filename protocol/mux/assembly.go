package mux

// An assembly is a message arriving in pieces.
type assembly struct {
	first  header // of the first piece
	buf    []byte // what has arrived, unless it is dropped
	have   int    // bytes that have arrived
	total  int    // 0 while no pieces are missing
	active bool
	drop   bool // the message is refused; its pieces are counted and thrown away
}

const (
	firstAssembly  = 2 * maxFrame // memory set aside for a message in pieces before much of it came
	assemblyFactor = 32           // and then for each byte that has come
)

// beginAssembly starts a message of total bytes with its first piece.
func beginAssembly(first header, total int, piece []byte, drop bool) (assembly, error) {
	a := assembly{first: first, total: total, active: true, drop: drop}
	dst, err := a.next(len(piece))
	copy(dst, piece)
	return a, err
}

// next returns where to read the next n bytes of the message to; nil for nowhere.
func (a *assembly) next(n int) ([]byte, error) {
	if n == 0 || n > a.total-a.have {
		return nil, violation("a piece of %d bytes of a message that lacks %d", n, a.total-a.have)
	}
	have := a.have
	a.have += n
	a.active = a.have < a.total
	if a.drop {
		return nil, nil
	}
	if a.have > cap(a.buf) {
		bigger := recycled.get(min(a.total, max(a.have, firstAssembly, assemblyFactor*have)))
		a.buf = bigger[:copy(bigger, a.buf)]
	}
	a.buf = a.buf[:a.have]
	return a.buf[have:], nil
}

// receive reads the next n bytes of the message from in.
func (a *assembly) receive(in *input, n int) error {
	dst, err := a.next(n)
	if err != nil {
		return err
	}
	if a.drop {
		return in.skip(n)
	}
	return in.full(dst)
}
