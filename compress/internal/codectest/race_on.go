//go:build race

package codectest

// slower is how much longer things may take: the race detector is built in.
const slower = 20
