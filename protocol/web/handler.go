package web

import (
	"cmp"
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/protocol/internal/pipeline"
	"github.com/yodelrpc/yodel/rpc"
)

// A handler answers requests.
type handler struct {
	d       *rpc.Dispatcher
	formats []format // of bodies; the first is for those without a Content-Type
	codings codings
	page    *page
	sizes   []size       // of the answers of each route
	own     http.Handler // of the requests that are this package's to answer, which this handler answers
	other   http.Handler // of all others; nil for none
}

// A format is one of bodies, with its codec for the server's methods.
type format struct {
	pipeline.Format
	codec pipeline.BodyCodec
}

func newHandler(d *rpc.Dispatcher, formats []pipeline.Format) *handler {
	h := &handler{d: d, page: newPage(d), sizes: make([]size, len(d.Routes()))}
	h.codings = codings{d.Compress, d.Log}
	for _, f := range formats {
		h.formats = append(h.formats, format{f, f.NewServer(d)})
	}
	h.own = http.NewCrossOriginProtection().Handler(http.HandlerFunc(h.answer))
	return h
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.other != nil && !h.isOwn(r) {
		h.other.ServeHTTP(w, r)
		return
	}
	h.own.ServeHTTP(w, r)
}

// isOwn reports whether r is not for the other handler: it is a call in one of the formats, or asks for the page and
// the other handler has nothing there, as an [http.ServeMux] tells beforehand.
func (h *handler) isOwn(r *http.Request) bool {
	switch {
	case r.URL.Path != "/":
		return false
	case r.Method == http.MethodPost:
		_, _, ok := h.codecOf(r.Header.Get("Content-Type"))
		return ok
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return false
	}
	m, ok := h.other.(interface {
		Handler(*http.Request) (http.Handler, string)
	})
	if !ok {
		return false
	}
	_, pattern := m.Handler(r)
	return pattern == ""
}

// answer answers what no other handler does.
func (h *handler) answer(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/":
		http.Error(w, "There is nothing here; calls are a POST to /, and GET / says which there are.",
			http.StatusNotFound)
	case r.Method == http.MethodPost:
		h.call(w, r)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		h.page.serve(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "A call is a POST to /, and GET / says which there are.", http.StatusMethodNotAllowed)
	}
}

// codecOf returns the codec for a Content-Type, and that of the answer.
func (h *handler) codecOf(contentType string) (c pipeline.BodyCodec, answerType string, ok bool) {
	if contentType == "" {
		return h.formats[0].codec, h.answerType(), true
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, "", false
	}
	for _, f := range h.formats {
		if slices.Contains(f.ContentTypes, media) {
			return f.codec, cmp.Or(f.AnswerType, media), true
		}
	}
	return nil, "", false
}

// answerType is the Content-Type of errors about requests of no format.
func (h *handler) answerType() string {
	return cmp.Or(h.formats[0].AnswerType, h.formats[0].ContentTypes[0])
}

// contentTypes returns the first Content-Type of each format, as a list for people.
func (h *handler) contentTypes() string {
	var types []string
	for _, f := range h.formats {
		types = append(types, f.ContentTypes[0])
	}
	return strings.Join(types, " or ")
}

// call answers a POST.
func (h *handler) call(w http.ResponseWriter, r *http.Request) {
	x := r.Context().Value(requestKey{}).(*request)
	c, answerType, ok := h.codecOf(r.Header.Get("Content-Type"))
	if !ok {
		err := rpc.Errorf(rpc.InvalidArgument, "Content-Type is %s; send %s",
			rpc.Quote(r.Header.Get("Content-Type")), h.contentTypes())
		x.respond(w, http.StatusUnsupportedMediaType, h.answerType(), failure(h.formats[0].codec, err))
		return
	}
	k := &webCall{h: h, x: x, format: c}
	var err *rpc.Error
	if k.coded, err = h.codings.of(r.Header); err != nil {
		w.Header().Set("Accept-Encoding", h.codings.list()) // RFC 9110, section 12.5.3
		x.respond(w, http.StatusUnsupportedMediaType, answerType, failure(c, err))
		return
	}
	if h.codings.answering() {
		w.Header().Add("Vary", "Accept-Encoding")
	}
	if k.coding, k.forced, err = h.codings.accepted(r.Header); err != nil {
		x.respond(w, http.StatusNotAcceptable, answerType, failure(c, err))
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
	k.share = &share{budget: &x.c.answers, sizes: h.sizes}
	defer k.share.giveBack()
	rpc.Apart(func() { // for a goroutine that ends must not be net/http's
		err := rpc.Guard{Log: h.d.Log}.Run("what answers the call", func() error {
			k.serve(ctx, request)
			return nil
		}, k.fail)
		if err != nil {
			k.fail(err.(*rpc.Error))
		}
	})
	addMetadata(w.Header(), k.metadata)
	if k.encoded {
		w.Header().Set("Content-Encoding", k.coding.Name)
		w.Header().Set("Vary", "Accept-Encoding") // where the handler alone chose it, too
	}
	x.respond(w, k.status, answerType, k.body)
}

// A webCall is a call between its request, which has been read, and its answer.
type webCall struct {
	h      *handler
	x      *request
	format pipeline.BodyCodec
	coded  *compress.Codec // of the request; nil for none
	coding *compress.Codec // that the answer may have; nil for none
	forced bool            // the client takes it in no other
	share  *share
	route  *rpc.Route // nil until it is known

	// The answer.
	body     []byte
	encoded  bool // in coding
	status   int
	metadata rpc.Metadata
}

func (k *webCall) fail(err *rpc.Error) { k.failWith(statusOf(err.Code), err) }

func (k *webCall) failWith(status int, err *rpc.Error) {
	k.body, k.status, k.encoded = failure(k.format, err), status, false
}

func (k *webCall) serve(ctx context.Context, request []byte) {
	if k.coded != nil {
		plain, status, err := k.x.decode(ctx, &k.h.codings, k.coded, request, k.h.d.Limits.Message)
		if err != nil {
			k.failWith(status, err)
			return
		}
		request = plain
	}
	info := rpc.CallInfo{Peer: k.x.c.peer, Metadata: requestMetadata(k.x.r.Header)}
	admit := func(route *rpc.Route) *rpc.Error {
		k.route = route
		if !k.x.c.http2 { // over HTTP/1 a connection has one call at a time
			return nil
		}
		return k.share.take(ctx, route)
	}
	body, code, sc := k.format.ServeMessage(ctx, info, request, nil, admit)
	k.body, k.status = body, statusOf(code)
	k.share.adjust(len(k.body))
	policy := k.h.codings.Policy
	if sc != nil {
		k.metadata, policy = sc.AnswerMetadata(), sc.AnswerCompression(policy)
	}
	k.encode(policy)
}

// encode puts the answer into the coding that the client wants, where p lets it and it is worth it.
func (k *webCall) encode(p compress.Policy) {
	if k.coding == nil {
		return
	}
	var stats *compress.Counter
	if k.route != nil {
		stats = k.h.codings.Stats.Method(k.route.Method.FullName(), false)
	}
	coded, err := k.h.codings.encode(k.coding, k.body, p, k.forced, stats)
	switch {
	case err != nil:
		k.fail(err)
	case coded != nil:
		k.body, k.encoded = coded, true
		k.share.hold(len(coded))
	}
}

func failure(c pipeline.BodyCodec, err *rpc.Error) []byte {
	return c.AppendFailure(nil, rpc.Failure{Index: -1, Err: err})
}
