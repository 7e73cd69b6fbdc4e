//go:build !race

package constraints_test

// racing says that the race detector is on, which allocates where the program alone does not.
const racing = false
