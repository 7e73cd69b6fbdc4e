//go:build !race

package wire_test

// racing says that the race detector is on, which allocates where the program alone does not.
const racing = false
