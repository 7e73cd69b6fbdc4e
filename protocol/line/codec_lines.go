package line

import (
	"bytes"

	"github.com/yodelrpc/yodel/rpc"
)

// lines finds messages that are a line each, ended by \n or \r\n.
type lines struct {
	limit int // bytes of a line with its end
}

// Frame finds the end of a line. Blank lines are filler.
func (l lines) Frame(buf []byte, seen int) (start, end int, err *rpc.Error) {
	i := bytes.IndexByte(buf[seen:], '\n')
	n := seen + i + 1
	if i < 0 {
		n = len(buf)
	}
	if n > l.limit {
		return 0, 0, rpc.Errorf(rpc.ResourceExhausted, "a line of %d bytes or more; the limit is %d", n, l.limit)
	}
	if len(bytes.TrimLeft(buf[:n], " \t\r\n")) == 0 {
		return n, n, nil
	}
	if i < 0 {
		return 0, 0, nil
	}
	return 0, n, nil
}
