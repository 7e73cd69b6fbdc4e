package interop_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/internal/constraints"
	"github.com/yodelrpc/yodel/internal/testenv"
	"github.com/yodelrpc/yodel/rpc"
)

// A checked is never called: what is wrong with its arguments is found before.
type checked struct{ constraints.CheckedHandler }

// violations are those of the call that both sides make.
var violations = []string{"low MIN", "name LEN", "high MAX", "nums ITEMS"}

const violate = `
import checked, sys, threading
with checked.Channel(sys.argv[1]) as channel:
    try:
        checked.CheckedClient(channel).args(0, "four", [], high=10)
    except checked.RpcError as err:
        bad = err.detail(checked.BadRequest)
        print(err.code, err.outcome)
        for v in bad.field_violations:
            print(v.field, v.reason)
`

const refuse = `
import checked, sys, threading
class Handlers:
    def check(self, all): pass
    def plain(self, x, free): pass
    def args(self, low, name, high, maybe, nums): pass
    def sum(self, name, nums): pass
    def count(self, to): pass
    def echo(self, trees): pass
with checked.ThreadServer(("127.0.0.1", 0), checked.CheckedService(Handlers())) as server:
    print(server.address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    server.shutdown()
`

func pythonProgram(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	python3, dir := testenv.Need(t, "python3"), t.TempDir()
	writeModule(t, dir, "../constraints/constraints.yodel")
	if err := os.Rename(dir+"/constraints.py", dir+"/checked.py"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python3, append([]string{"-W", "error", "-B", "-c", program}, args...)...)
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// What a Go server refuses, a caller in Python learns by paths.
func TestConstraintsToPython(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := yodel.NewServer(constraints.NewCheckedService(checked{}))
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	for _, scheme := range []string{"mux", "line"} {
		out, err := pythonProgram(t, violate, scheme+"://"+ln.Addr().String()).CombinedOutput()
		want := "invalid_argument answered\n" + strings.Join(violations, "\n") + "\n"
		if err != nil || string(out) != want {
			t.Errorf("%s: %v, %s; want %s", scheme, err, out, want)
		}
	}
}

// What a Python server refuses, a caller in Go learns by paths.
func TestConstraintsFromPython(t *testing.T) {
	t.Parallel()
	cmd := pythonProgram(t, refuse)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	port, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"mux", "line"} {
		ch, err := yodel.Dial(scheme + "://127.0.0.1:" + strings.TrimSpace(port))
		if err != nil {
			t.Fatal(err)
		}
		_, err = constraints.NewCheckedClient(ch).Args(t.Context(), 0, "four", nil, constraints.High(10))
		var got []string
		for bad := range rpc.DetailsOf[rpc.BadRequest](err) {
			for _, v := range bad.Violations {
				got = append(got, v.Field+" "+v.Reason)
			}
		}
		if !slices.Equal(got, violations) {
			t.Errorf("%s: %v with %q, want %q", scheme, err, got, violations)
		}
		_ = ch.Close()
	}
	_ = in.Close()
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
