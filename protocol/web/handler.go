package web

import (
	"context"
	"mime"
	"net/http"

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
	sizes []size // of the answers of each route
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
	ServeMessage(ctx context.Context, info rpc.CallInfo, request, response []byte, admit func(*rpc.Route) *rpc.Error) (
		[]byte, rpc.Code, rpc.Metadata)
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
	x := r.Context().Value(requestKey{}).(*request)
	c, answerType, ok := h.codecOf(r.Header.Get("Content-Type"))
	if !ok {
		err := rpc.Errorf(rpc.InvalidArgument, "Content-Type is %s; send application/json or application/octet-stream",
			rpc.Quote(r.Header.Get("Content-Type")))
		x.respond(w, http.StatusUnsupportedMediaType, "application/json", failure(h.json, err))
		return
	}
	request, status, err := x.read(h.d.Limits.Message)
	if err != nil {
		w.Header().Set("Connection", "close") // rather than read the rest
		x.respond(w, status, answerType, failure(c, err))
		return
	}
	ctx := r.Context()
	if limit := h.d.Limits.CallTime; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	share := &share{budget: &x.c.answers, sizes: h.sizes}
	defer share.giveBack()
	var admit func(*rpc.Route) *rpc.Error
	if x.c.http2 { // over HTTP/1 a connection has one call at a time
		admit = func(route *rpc.Route) *rpc.Error { return share.take(ctx, route) }
	}
	info := rpc.CallInfo{Peer: x.c.peer, Metadata: requestMetadata(r.Header)}
	var (
		body     []byte
		code     rpc.Code
		metadata rpc.Metadata
	)
	broken := func(e *rpc.Error) { body, code = failure(c, e), e.Code }
	rpc.Apart(func() { // for a goroutine that ends must not be net/http's
		err := rpc.Guard{Log: h.d.Log}.Run("what answers the call", func() error {
			body, code, metadata = c.ServeMessage(ctx, info, request, nil, admit)
			return nil
		}, broken)
		if err != nil {
			broken(err.(*rpc.Error))
		}
	})
	share.adjust(len(body))
	addMetadata(w.Header(), metadata)
	x.respond(w, statusOf(code), answerType, body)
}

func failure(c codec, err *rpc.Error) []byte {
	return c.AppendFailure(nil, rpc.Failure{Index: -1, Err: err})
}
