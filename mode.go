package yodel

import "fmt"

// A Mode says how a server runs its connections.
type Mode int

const (
	// Concurrent serves all connections at once. It is the default.
	Concurrent Mode = 0
	// Serial serves one connection after another, each until it ends: the textbook server.
	Serial Mode = -1
)

// Processes serves from n worker processes, at least 1, that share the address. [Server.ListenAndServe] starts the
// program n times more, with the same arguments; there it serves, while here it supervises:
//
//   - a worker that dies is replaced;
//   - SIGHUP starts n workers from the program file as it is by then, and when these serve, the old ones drain:
//     a new version takes over without refusing a connection;
//   - the end of the context, SIGINT or SIGTERM drains all workers.
//
// Workers drain, too, when the supervisor is gone. Limits hold for each worker. Unix systems only.
func Processes(n int) Mode {
	if n < 1 {
		return badMode
	}
	return Mode(n)
}

const badMode Mode = -2

// processes returns the number of workers; 0 for a mode that has none.
func (m Mode) processes() int { return max(int(m), 0) }

func (m Mode) validate() error {
	if m < Serial {
		return fmt.Errorf("ServerOptions.Mode is not one of Concurrent, Serial and Processes(n) with n of at least 1")
	}
	return nil
}
