package web

import (
	"net/http"
	"strings"

	"github.com/yodelrpc/yodel/rpc"
)

// Metadata travels as header fields of the same names. These fields, and those that begin with one of reservedPrefixes,
// are HTTP's own.
var reservedFields = map[string]bool{
	"connection": true, "date": true, "expect": true, "host": true, "keep-alive": true, "origin": true, "referer": true,
	"server": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true, "user-agent": true,
	"x-content-type-options": true, "allow": true, "vary": true,
}

var reservedPrefixes = [...]string{"accept", "content-", "proxy-", "sec-"}

func reserved(key string) bool {
	for _, prefix := range reservedPrefixes {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return reservedFields[key]
}

// requestMetadata returns the metadata among h, or nil.
func requestMetadata(h http.Header) rpc.Metadata {
	var md rpc.Metadata
	for name, values := range h {
		key := strings.ToLower(name)
		if reserved(key) {
			continue
		}
		if md == nil {
			md = make(rpc.Metadata)
		}
		md[key] = values
	}
	return md
}

// validField reports whether a header can carry a field (RFC 9110, sections 5.1 and 5.5).
func validField(name, value string) bool {
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return name != ""
}

// addMetadata adds md to h. Bytes that a header cannot carry, net/http replaces or refuses.
func addMetadata(h http.Header, md rpc.Metadata) {
	for key, values := range md {
		if reserved(key) {
			continue
		}
		for _, v := range values {
			h.Add(key, v)
		}
	}
}
