//go:build !race

package basic_test

// raced says that the race detector is on, under which pools forget at random.
const raced = false
