//go:build race

package mux

// The race detector does not know that a finalizer runs after the last use of what it finalizes: it would take a use
// and the next one for a race.
const recycles = false
