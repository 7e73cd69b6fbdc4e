package wire

// A Decoder reads fields from a buffer. The first error sticks and ends the decoding.
type Decoder struct {
	buf   []byte
	pos   int
	end   int // of the message being read
	depth int
	owned bool // buf is nobody else's: strings and bytes may alias it
	err   error
}

// Reset makes d read data, which stays the caller's: the first string or bytes field copies what is left of it once.
func (d *Decoder) Reset(data []byte) { *d = Decoder{buf: data, end: len(data)} }

// ResetOwned makes d read data, which the caller gives away: strings and bytes alias it.
func (d *Decoder) ResetOwned(data []byte) { *d = Decoder{buf: data, end: len(data), owned: true} }

// Err returns the first error.
func (d *Decoder) Err() error { return d.err }
