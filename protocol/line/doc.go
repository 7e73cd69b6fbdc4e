// Package line is the protocol for people and scripts: a request is a JSON object on a line of its own, and so is its
// answer. PROTOCOL.md has the members and an example of each error.
//
//	$ echo '{"name": "divide", "params": {"num1": 200, "num2": 100}}' | nc -w 1 127.0.0.1 8000
//	{"result": 2}
//
// [Dial] makes a client's connection, [NewServer] the other side. Many calls share a connection: requests are sent
// without waiting for the answers of earlier ones. The protocol carries streams of results alone, no metadata and no
// deadlines: a caller whose time is over leaves, and the server finishes a call that nobody waits for. The server runs
// the calls of a connection one after another, so a slow one delays those behind it.
package line
