package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const want = `0
10
20
30
40
100
InvalidOperation: invalid operation
`

// TestPrograms runs the server in each mode, and the client over each protocol.
func TestPrograms(t *testing.T) {
	t.Parallel()
	bin := t.TempDir() + string(filepath.Separator)
	if out, err := exec.Command("go", "build", "-o", bin, ".", "../server").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	modes := map[string][]string{"concurrent": nil, "serial": {"-serial"}, "processes": {"-processes", "2"}}
	for name, flags := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := startServer(t, bin+"server", flags)
			for _, scheme := range []string{"", "basic://", "line://", "http://"} {
				out, err := exec.CommandContext(t.Context(), bin+"client", "-addr", scheme+address).CombinedOutput()
				if err != nil || string(out) != want {
					t.Errorf("over %q: %v\n%s", scheme, err, out)
				}
			}
		})
	}
}

// startServer starts the server on a free port and returns the address that it prints. At the end of the test it gets
// a signal, and must drain.
func startServer(t *testing.T, program string, flags []string) string {
	t.Helper()
	cmd := exec.Command(program, append(flags, "-addr", "127.0.0.1:0")...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		for lines.Scan() { // so that the server is never held up by a full pipe
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server does not end well: %v", err)
		}
	})
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), " serving address="); ok {
			return address
		}
	}
	t.Fatal("the server prints no address")
	return ""
}
