package web

import (
	"net/http"

	"github.com/yodelrpc/yodel/rpc"
)

// statusClientClosedRequest is what nginx calls 499: there is nobody left to read it.
const statusClientClosedRequest = 499

// statuses are those of answers by the code of the failed call, PROTOCOL.md section 3; that of a result is at 0.
var statuses = [...]int{
	0:                      http.StatusOK,
	rpc.Canceled:           statusClientClosedRequest,
	rpc.Unknown:            http.StatusInternalServerError,
	rpc.InvalidArgument:    http.StatusBadRequest,
	rpc.DeadlineExceeded:   http.StatusGatewayTimeout,
	rpc.NotFound:           http.StatusNotFound,
	rpc.AlreadyExists:      http.StatusConflict,
	rpc.PermissionDenied:   http.StatusForbidden,
	rpc.ResourceExhausted:  http.StatusTooManyRequests,
	rpc.FailedPrecondition: http.StatusBadRequest,
	rpc.Aborted:            http.StatusConflict,
	rpc.OutOfRange:         http.StatusBadRequest,
	rpc.Unimplemented:      http.StatusNotFound,
	rpc.Internal:           http.StatusInternalServerError,
	rpc.Unavailable:        http.StatusServiceUnavailable,
	rpc.DataLoss:           http.StatusInternalServerError,
	rpc.Unauthenticated:    http.StatusUnauthorized,
}

func statusOf(c rpc.Code) int {
	if int(c) < len(statuses) {
		return statuses[c]
	}
	return http.StatusInternalServerError
}

// codeOf returns the code for an answer that a Yodel server did not write, such as a proxy's.
func codeOf(status int) rpc.Code {
	switch status {
	case http.StatusUnauthorized:
		return rpc.Unauthenticated
	case http.StatusForbidden:
		return rpc.PermissionDenied
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return rpc.Unimplemented
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return rpc.Unavailable
	default:
		return rpc.Unknown
	}
}
