package web

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"

	"github.com/yodelrpc/yodel/rpc"
)

// Refusal returns what tells a peer, from which head has been read, why its connection is not served: the answer to its
// first request, or GOAWAY with the reason where it speaks HTTP/2 by prior knowledge.
func (s *Server) Refusal(head []byte, reason *rpc.Error) []byte {
	if strings.HasPrefix(string(head), "PRI ") {
		return http2Refusal(reason)
	}
	body := failure(s.handler.formats[0].codec, reason)
	status := statusOf(reason.Code)
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n"+
		"Connection: close\r\n\r\n%s", status, http.StatusText(status), s.handler.answerType(), len(body), body)
}

// http2Refusal returns SETTINGS, which come first, and GOAWAY with the error INADEQUATE_SECURITY (RFC 9113, sections
// 6.5, 6.8 and 7).
func http2Refusal(reason *rpc.Error) []byte {
	b := []byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	size := 8 + len(reason.Message)
	b = append(b, byte(size>>16), byte(size>>8), byte(size), 7, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, 0) // the last stream that was begun
	b = binary.BigEndian.AppendUint32(b, 0xc)
	return append(b, reason.Message...)
}
