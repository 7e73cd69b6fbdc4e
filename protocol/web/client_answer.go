package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/yodelrpc/yodel/rpc"
)

// An answer is a response of HTTP as it came.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	tooLong bool // the body; the rest has not been read
	last    bool // the connection carries no more
}

// An answerReader reads answers, each of which has a time as a whole from its first byte.
type answerReader struct {
	*bufio.Reader
	nc     net.Conn
	limits rpc.Limits

	began  time.Time // when the first byte was there; zero between answers
	n      int       // bytes since
	header int       // bytes that the header may still have; negative while a body is read
}

func newAnswerReader(nc net.Conn, limits rpc.Limits) *answerReader {
	r := &answerReader{nc: nc, limits: limits}
	r.Reader = bufio.NewReader(source{r})
	return r
}

// A source is what an answerReader's buffer reads from.
type source struct{ *answerReader }

var errHeaderTooLong = errors.New("the answer's header is too long")

func (s source) Read(b []byte) (int, error) {
	r := s.answerReader
	if r.header == 0 {
		return 0, errHeaderTooLong
	}
	if r.header > 0 {
		b = b[:min(len(b), r.header)]
	}
	if !r.began.IsZero() {
		_ = r.nc.SetReadDeadline(r.limits.MessageDeadline(r.began, r.n))
	}
	n, err := r.nc.Read(b)
	r.n += n
	if r.header > 0 {
		r.header -= n
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("only %d bytes of an answer have come in %v", r.n, time.Since(r.began).Round(time.Millisecond))
	}
	return n, err
}

// await waits for the first byte of an answer, for as long as that takes.
func (r *answerReader) await() error {
	r.began, r.n, r.header = time.Time{}, r.Buffered(), 8<<10+r.limits.Metadata
	_ = r.nc.SetReadDeadline(time.Time{})
	_, err := r.Peek(1)
	r.began = time.Now()
	if err == io.EOF {
		return errors.New("the server ended the connection")
	}
	return err
}

// answer reads an answer that has begun.
func (r *answerReader) answer() (*answer, error) {
	response, err := r.final()
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	r.header = -1
	a := &answer{status: response.StatusCode, header: response.Header, last: response.Close}
	a.body, err = io.ReadAll(io.LimitReader(response.Body, min(int64(r.limits.Message), math.MaxInt64-1)+1))
	if a.tooLong = len(a.body) > r.limits.Message; a.tooLong {
		a.last = true
		return a, nil
	}
	return a, err
}

// final reads headers up to that of the final response. Interim ones only say that there is one to come.
func (r *answerReader) final() (*http.Response, error) {
	for {
		response, err := http.ReadResponse(r.Reader, &http.Request{Method: http.MethodPost})
		if err != nil {
			return nil, err
		}
		if response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
	}
}
