package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
	"github.com/yodelrpc/yodel/examples/divide"
)

// A demoCommand is the command line of "yodel demo".
type demoCommand struct {
	address string
	once    bool
}

func newDemo() *cobra.Command {
	var c demoCommand
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Serve the one-line definition and call it",
		Long: `Serve a definition of one line, print commands of several programs that call it, and call it from a client.
The server goes on until Ctrl-C.`,
		Example: `  yodel demo
  yodel demo --addr 127.0.0.1:9000
  yodel demo --addr 127.0.0.1:0 --once`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&c.address, "addr", "127.0.0.1:8000", "HOST:PORT to serve at; port 0 is any free one")
	cmd.Flags().BoolVar(&c.once, "once", false, "end when the client has made its calls")
	return cmd
}

func (c *demoCommand) run(ctx context.Context, out io.Writer) error {
	if err := checkAddress(c.address); err != nil {
		return err
	}
	ln, err := listen(c.address)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- yodel.NewServer(divide.NewService(divider{})).Serve(ctx, ln) }()

	address := reachable(ln.Addr().(*net.TCPAddr))
	printCommands(out, address)
	if err := callDivide(ctx, out, address); err != nil || c.once {
		stop()
		return errors.Join(err, <-served)
	}
	fmt.Fprintln(out, "\nThe server goes on; Ctrl-C ends it.")
	return <-served
}

func listen(address string) (net.Listener, error) {
	ln, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf(
			"another program uses %s; end that one, or choose another address, such as a free port: "+
				"--addr 127.0.0.1:0", address)
	}
	return ln, err
}

// reachable returns the address at which this machine reaches a server that listens at a.
func reachable(a *net.TCPAddr) string {
	if a.IP.IsUnspecified() {
		return fmt.Sprintf("127.0.0.1:%d", a.Port)
	}
	return a.String()
}

// A divider answers divide.
type divider struct{}

func (divider) Divide(_ context.Context, num1, num2 int32) (float32, error) {
	if num2 == 0 {
		return 0, &divide.InvalidOperation{Message: "invalid operation"}
	}
	return float32(num1) / float32(num2), nil
}

// demoCalls are the calls that the demo's client makes.
var demoCalls = []struct {
	text    string
	num1    int32
	options []divide.DivideOption
}{
	{"divide(0, 10)", 0, []divide.DivideOption{divide.Num2(10)}},
	{"divide(100, 10)", 100, []divide.DivideOption{divide.Num2(10)}},
	{"divide(200, 10)", 200, []divide.DivideOption{divide.Num2(10)}},
	{"divide(300, 10)", 300, []divide.DivideOption{divide.Num2(10)}},
	{"divide(400, 10)", 400, []divide.DivideOption{divide.Num2(10)}},
	{"divide(100)", 100, nil},
	{"divide(1, 0)", 1, []divide.DivideOption{divide.Num2(0)}},
}

// callDivide makes the calls and prints each with its result or exception.
func callDivide(ctx context.Context, out io.Writer, address string) error {
	ch, err := yodel.Dial(address)
	if err != nil {
		return err
	}
	defer ch.Close()
	client := divide.NewClient(ch)
	for _, call := range demoCalls {
		result, err := client.Divide(ctx, call.num1, call.options...)
		if invalid, ok := errors.AsType[*divide.InvalidOperation](err); ok {
			fmt.Fprintf(out, "%-15s => InvalidOperation: %s\n", call.text, invalid.Message)
		} else if err != nil {
			return err
		} else {
			fmt.Fprintf(out, "%-15s = %g\n", call.text, result)
		}
	}
	return nil
}

// definition is the text of examples/divide/divide.yodel.
const definition = "float divide(1:int num1, 2:int num2=1) => InvalidOperation"

// commands call the demo's server; each stands between a line of comment and a blank line. The -w of nc ends it one
// second after the answer, on Linux as on macOS.
const commands = `# curl: HTTP
curl -s -d '{"name": "divide", "params": {"num1": 200, "num2": 100}}' http://{ADDRESS}/

# nc: one JSON object a line
echo '{"name": "divide", "params": {"num1": 200, "num2": 100}}' | nc -w 1 {HOST} {PORT}

# Python without any package: the bytes of the basic protocol
python3 -c '
import socket, struct
server = socket.create_connection(("{HOST}", {PORT}))
server.sendall(struct.pack(">I6sIBiBi", 6, b"divide", 10, 1, 200, 2, 100))
status, result = struct.unpack(">Bf", server.makefile("rb").read(5))
print(result)
'

# yodel: JSON over the line protocol; with the definition (-f divide.yodel) it would speak mux
{YODEL} call line://{ADDRESS} divide num1=200 num2=100
`

// printCommands prints the definition, and the commands ready to be pasted.
func printCommands(out io.Writer, address string) {
	host, port, _ := net.SplitHostPort(address)
	r := strings.NewReplacer("{ADDRESS}", address, "{HOST}", host, "{PORT}", port, "{YODEL}", self())
	fmt.Fprintf(out, "    %s\n\nis served at %s. Paste any of these into another terminal:\n\n", definition, address)
	fmt.Fprintf(out, "%s\nA client calls it:\n\n", r.Replace(commands))
}

// self returns how to run this program from a shell in the same directory.
func self() string {
	if _, err := os.Stat("cmd/yodel/demo_commands.go"); err == nil {
		return "go run ./cmd/yodel" // a clone of the repository
	}
	return os.Args[0]
}

// checkAddress wants HOST:PORT.
func checkAddress(address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return cli.Usagef("the address %q is not HOST:PORT; write it as 127.0.0.1:8000", address)
	}
	return nil
}
