package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/compress"
	"github.com/yodelrpc/yodel/rpc"
)

// identity is the name of no content coding at all (RFC 9110, section 8.4.1).
const identity = "identity"

// codings are the content codings of one side.
type codings struct {
	compress.Options
	log *rpc.Log
}

// byName returns the codec of a content coding, nil if this side has none. x-gzip is gzip (RFC 9110, section 8.4.1.3).
func (c *codings) byName(name string) *compress.Codec {
	if name == "x-gzip" {
		name = "gzip"
	}
	i := slices.IndexFunc(c.Codecs, func(codec compress.Codec) bool { return codec.Name == name })
	if i < 0 {
		return nil
	}
	return &c.Codecs[i]
}

// list returns the codings that a peer may use, as a field Accept-Encoding has them.
func (c *codings) list() string {
	var names []string
	for _, codec := range c.Codecs {
		names = append(names, codec.Name)
	}
	if names == nil {
		return identity
	}
	return strings.Join(names, ", ")
}

// of returns the codec of a body by its header, nil for one that is not encoded.
func (c *codings) of(h http.Header) (*compress.Codec, *rpc.Error) {
	var coded []string
	for _, name := range strings.Split(strings.Join(h["Content-Encoding"], ","), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" && name != identity {
			coded = append(coded, name)
		}
	}
	if len(coded) == 0 {
		return nil, nil
	}
	if len(coded) == 1 {
		if codec := c.byName(coded[0]); codec != nil {
			return codec, nil
		}
	}
	what := "none"
	if len(c.Codecs) > 0 {
		what = "one of " + c.list() + ", or none"
	}
	return nil, rpc.Errorf(rpc.InvalidArgument, "Content-Encoding is %s; send %s",
		rpc.Quote(strings.Join(coded, ", ")), what)
}

// decode returns what body was made of, of at most limit bytes.
func (c *codings) decode(codec *compress.Codec, body []byte, limit int) (plain []byte, status int, err *rpc.Error) {
	var cause error
	failed := c.run("what decompresses the body", func() { plain, cause = codec.Decompress(nil, body, limit) })
	switch {
	case failed != nil:
		return nil, http.StatusInternalServerError, failed
	case errors.Is(cause, compress.ErrTooLarge):
		return nil, http.StatusRequestEntityTooLarge, rpc.Errorf(rpc.ResourceExhausted,
			"the body, of %d bytes in %s, is longer than the limit of %d bytes when it is decompressed", len(body),
			codec.Name, limit)
	case cause != nil:
		return nil, http.StatusBadRequest, rpc.Errorf(rpc.InvalidArgument,
			"the body, of %d bytes, is not whole and valid %s: %w", len(body), codec.Name, cause)
	}
	return plain, 0, nil
}

// encode returns body in the coding, or nil where p is Never, and where it is not worth it: one that is small, or
// becomes not much smaller. With force it is encoded anyway, unless p is Never.
func (c *codings) encode(codec *compress.Codec, body []byte, p compress.Policy, force bool,
	stats *compress.Counter) (coded []byte, err *rpc.Error) {
	switch {
	case len(body) < codec.Floor && !force:
		return nil, nil
	case p == compress.Never:
		stats.CountUnwanted()
		return nil, nil
	}
	began := time.Now()
	if err := c.run("what compresses the body", func() { coded = codec.Compress(nil, body) }); err != nil {
		return nil, err
	}
	sent := force || compress.SavesEnough(len(body), len(coded))
	stats.CountTried(len(body), len(coded), time.Since(began), sent)
	if !sent {
		return nil, nil
	}
	return coded, nil
}

// run calls f, which is a codec's, and so may be the program's own.
func (c *codings) run(what string, f func()) *rpc.Error {
	err := rpc.Guard{Log: c.log}.Run(what, func() error {
		f()
		return nil
	}, nil)
	e, _ := err.(*rpc.Error)
	return e
}

// accepted returns the coding for the answer to a request with the header h, nil for none; forced where no answer may
// go without. The client's weights decide, and this side's order among equals; the policy does not, for a handler may
// choose another. An error is that of a client that takes nothing that this side's policy allows.
func (c *codings) accepted(h http.Header) (codec *compress.Codec, forced bool, err *rpc.Error) {
	weights := acceptWeights(h["Accept-Encoding"])
	best := 0.0
	for i := range c.Codecs {
		if w := weights.of(c.Codecs[i].Name); w > best {
			codec, best = &c.Codecs[i], w
		}
	}
	plain, named := weights[identity]
	if !named {
		plain, named = weights["*"]
		named = named && plain == 0 // what all others get, identity has by default
	}
	switch {
	case !named:
		return codec, false, nil
	case plain > best:
		return nil, false, nil
	case plain == 0 && (codec == nil || !c.answering()):
		return nil, false, rpc.Errorf(rpc.InvalidArgument, "Accept-Encoding is %s, which takes no answer of this "+
			"server; it has %s", rpc.Quote(strings.Join(h["Accept-Encoding"], ", ")), c.answers())
	}
	return codec, plain == 0, nil
}

// answering reports whether answers may be encoded of handlers that do not choose.
func (c *codings) answering() bool { return c.Policy != compress.Never && len(c.Codecs) > 0 }

// answers returns the codings of answers, for people.
func (c *codings) answers() string {
	if !c.answering() {
		return identity
	}
	return c.list() + " and " + identity
}

// weights are how much a client wants each coding, from 0, which is not at all, to 1.
type weights map[string]float64

func (w weights) of(name string) float64 {
	if q, ok := w[name]; ok {
		return q
	}
	if q, ok := w["x-"+name]; ok && name == "gzip" {
		return q
	}
	return w["*"]
}

// acceptWeights returns what the fields Accept-Encoding say (RFC 9110, section 12.5.3). An element that cannot be read
// is left out.
func acceptWeights(fields []string) weights {
	w := make(weights)
	for _, element := range strings.Split(strings.Join(fields, ","), ",") {
		name, parameter, weighted := strings.Cut(element, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		q := 1.0
		if weighted {
			var ok bool
			if q, ok = weight(parameter); !ok {
				continue
			}
		}
		if name != "" {
			w[name] = q
		}
	}
	return w
}

// weight reads "q=0.5" (RFC 9110, section 12.4.2).
func weight(parameter string) (float64, bool) {
	name, value, ok := strings.Cut(strings.TrimSpace(parameter), "=")
	if !ok || strings.ToLower(strings.TrimSpace(name)) != "q" {
		return 0, false
	}
	value = strings.TrimSpace(value)
	if value == "" || len(value) > len("0.000") || strings.Trim(value, "0123456789.") != "" {
		return 0, false
	}
	q, err := strconv.ParseFloat(value, 64)
	return q, err == nil && q <= 1
}

// acceptField returns the field by which a client asks for answers in its codings, with its line's end; none without.
func (c *codings) acceptField() string {
	if len(c.Codecs) == 0 {
		return ""
	}
	return fmt.Sprintf("Accept-Encoding: %s\r\n", c.list())
}
