package compress

import (
	"fmt"
	"slices"
)

// Options say what a side compresses with, and when. The zero value is no compression.
type Options struct {
	// Codecs are those that this side has, the most preferred first; at most 8. The two sides of a connection use those
	// that both have. A side reads what is compressed by any of them, whatever its Policy.
	Codecs []Codec

	// Policy says which messages this side compresses; default [Auto].
	Policy Policy

	// Stats, unless nil, counts what is decided and what comes of it. Several channels and servers may share one.
	Stats *Stats
}

// A Policy says which messages to compress, of those that are not below the codec's Floor. A result that saves less
// than an eighth is dropped under any of them, and the message sent as it is.
//
// Over HTTP, where the connection may end at a proxy beside it, nothing is weighed: there Auto compresses each answer
// that a client asks to have compressed, on loopback, too, and no arguments.
type Policy uint8

const (
	Auto   Policy = iota // where it pays, as mux finds by a [Weigher]; never on loopback or a unix socket
	Always               // all, with the first codec that both sides have
	Never                // none
)

func (p Policy) String() string {
	if int(p) < len(policies) {
		return policies[p]
	}
	return fmt.Sprintf("Policy(%d)", uint8(p))
}

var policies = [...]string{"Auto", "Always", "Never"}

// MaxCodecs is how many codecs Options may have.
const MaxCodecs = 8

// Validate returns an error that names what cannot be.
func (o Options) Validate() error {
	if len(o.Codecs) > MaxCodecs {
		return fmt.Errorf("compress.Options: %d codecs; the most is %d", len(o.Codecs), MaxCodecs)
	}
	for i, c := range o.Codecs {
		if err := c.Validate(); err != nil {
			return err
		}
		if slices.ContainsFunc(o.Codecs[:i], func(d Codec) bool { return d.Name == c.Name }) {
			return fmt.Errorf("compress.Options: two codecs have the name %s", c.Name)
		}
	}
	if int(o.Policy) >= len(policies) {
		return fmt.Errorf("compress.Options: there is no %v; it is Auto, Always or Never", o.Policy)
	}
	return nil
}
