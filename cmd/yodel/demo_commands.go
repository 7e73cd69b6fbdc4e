package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
)

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
