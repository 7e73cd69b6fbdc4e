// Package testenv finds the programs outside Go that some tests need.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of the named program. Where it is missing the test is skipped, or fails if the variable
// YODEL_TEST_ALL is set, as it is in CI.
func Need(tb testing.TB, program string) string {
	tb.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("YODEL_TEST_ALL") != "" {
		tb.Fatalf("this test needs %s, which is not installed, and YODEL_TEST_ALL forbids to skip it", program)
	}
	tb.Skipf("this test needs %s, which is not installed", program)
	return ""
}
