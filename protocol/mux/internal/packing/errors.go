package packing

import "errors"

// What compressed messages can lack.
var (
	errShort  = errors.New("it ends before its length")
	errLength = errors.New("its length is not the one that it tells")
)
