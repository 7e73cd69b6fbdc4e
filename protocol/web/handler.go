package web

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/yodelrpc/yodel/internal/basiccall"
	"github.com/yodelrpc/yodel/internal/jsoncall"
	"github.com/yodelrpc/yodel/rpc"
)

// protocol is the protocol's name in contexts, errors and log lines.
const protocol = "http"

// A handler answers requests.
type handler struct {
	d     *rpc.Dispatcher
	json  *jsoncall.ServerCodec
	basic *basiccall.ServerCodec
	page  *page
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/":
		http.Error(w, "There is nothing here; calls are a POST to /, and GET / says which there are.", http.StatusNotFound)
	case r.Method == http.MethodPost:
		h.call(w, r)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		h.page.serve(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "A call is a POST to /, and GET / says which there are.", http.StatusMethodNotAllowed)
	}
}

// A codec is a way to write calls in a body.
type codec interface {
	ServeMessage(ctx context.Context, info rpc.CallInfo, request, response []byte) ([]byte, rpc.Code, rpc.Metadata)
	AppendFailure(b []byte, f rpc.Failure) []byte
}

// codecOf returns the codec for a Content-Type, and that of the answer. JSON is also what curl -d sends under the name
// of a form. (Pages of other origins cannot make a browser send that here: see [http.CrossOriginProtection].)
func (h *handler) codecOf(contentType string) (c codec, answerType string, ok bool) {
	if contentType == "" {
		return h.json, "application/json", true
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, "", false
	}
	switch media {
	case "application/json", "application/x-www-form-urlencoded":
		return h.json, "application/json", true
	case "binary", "application/octet-stream":
		return h.basic, media, true
	}
	return nil, "", false
}

// call answers a POST.
func (h *handler) call(w http.ResponseWriter, r *http.Request) {
	c, answerType, ok := h.codecOf(r.Header.Get("Content-Type"))
	if !ok {
		err := rpc.Errorf(rpc.InvalidArgument, "Content-Type is %s; send application/json or application/octet-stream",
			rpc.Quote(r.Header.Get("Content-Type")))
		respond(w, http.StatusUnsupportedMediaType, "application/json", failure(h.json, err))
		return
	}
	request, tooLong, err := h.read(w, r)
	switch {
	case tooLong:
		err := rpc.Errorf(rpc.ResourceExhausted, "the body is longer than the limit of %d bytes", h.d.Limits.Message)
		w.Header().Set("Connection", "close") // rather than read the rest
		respond(w, http.StatusRequestEntityTooLarge, answerType, failure(c, err))
		return
	case err != nil:
		err := rpc.Errorf(rpc.InvalidArgument, "the body cannot be read: %w", err)
		w.Header().Set("Connection", "close")
		respond(w, http.StatusBadRequest, answerType, failure(c, err))
		return
	}
	ctx := r.Context()
	if limit := h.d.Limits.CallTime; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	info := rpc.CallInfo{Peer: peerOf(r), Metadata: requestMetadata(r.Header)}
	answer, code, metadata := c.ServeMessage(ctx, info, request, nil)
	addMetadata(w.Header(), metadata)
	respond(w, statusOf(code), answerType, answer)
}

func (h *handler) read(w http.ResponseWriter, r *http.Request) (body []byte, tooLong bool, err error) {
	limits, deadline := h.d.Limits, http.NewResponseController(w).SetReadDeadline
	if r.ContentLength > int64(limits.Message) {
		_ = deadline(time.Now().Add(limits.Stall)) // for what net/http still reads of the body
		return nil, true, nil
	}
	reader := &stallReader{r.Body, deadline, limits.Stall}
	return reader.readBody(limits.Message)
}

func failure(c codec, err *rpc.Error) []byte {
	return c.AppendFailure(nil, rpc.Failure{Index: -1, Err: err})
}

func respond(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	w.Write(body) // where the peer is gone, net/http ends the connection
}

func peerOf(r *http.Request) *rpc.Peer {
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		return c.peer
	}
	return &rpc.Peer{Protocol: protocol, TLS: r.TLS}
}
