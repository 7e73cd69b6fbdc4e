package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
	"github.com/yodelrpc/yodel/internal/testenv"
)

// TestDemoCommands runs the demo in the repository, and each command that it prints as a user would paste it.
func TestDemoCommands(t *testing.T) {
	t.Parallel()
	output := startDemo(t)
	blocks := regexp.MustCompile(`(?s)# ([^\n]+)\n(.*?)\n\n`).FindAllStringSubmatch(output, -1)
	if len(blocks) != 4 {
		t.Fatalf("the demo prints %d commands, want 4:\n%s", len(blocks), output)
	}
	for _, block := range blocks {
		t.Run(block[1], func(t *testing.T) {
			t.Parallel()
			for _, program := range []string{"curl", "nc", "python3"} {
				if strings.Contains(block[2], program+" ") {
					testenv.Need(t, program)
				}
			}
			got := runShell(t, root, block[2])
			switch strings.TrimSpace(got) {
			case `{"result": 2}`, `{"result":2}`, `2.0`, `2`:
			default:
				t.Errorf("%s\nprints %q", block[2], got)
			}
		})
	}
}

// startDemo starts the demo on a free port and returns what it prints until its server is all that goes on.
func startDemo(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "yodel")
	runShell(t, ".", "go build -o '"+program+"' .")
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "demo", "--addr", "127.0.0.1:0")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := cmd.Wait(); err != nil && err != context.Canceled {
			t.Errorf("the demo does not end well: %v", err)
		}
	})
	var output strings.Builder
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		fmt.Fprintln(&output, lines.Text())
		if strings.Contains(lines.Text(), "Ctrl-C") {
			return output.String()
		}
	}
	t.Fatalf("the demo ends:\n%s", output.String())
	return ""
}

// TestDemoDefinition: the definition that the demo shows is the one that it serves.
func TestDemoDefinition(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "examples/divide/divide.yodel"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(text)); got != definition {
		t.Errorf("the demo shows\n%s\nthe file has\n%s", definition, got)
	}
}

// serveDivide serves divide at an address of its own until stop is called.
func serveDivide() (address string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", func() {}, err
	}
	server := yodel.NewServer(divide.NewService(divider{}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), ln) }()
	return ln.Addr().String(), func() {
		_ = server.Close()
		<-served
	}, nil
}
