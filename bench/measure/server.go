package measure

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"

	"github.com/yodelrpc/yodel/bench/system"
)

// The server process prints its address as one line of JSON. After that each line that it reads is a question, which it
// answers with its Usage as one line of JSON. It ends when its input does.
const (
	askUsage     = "usage"
	askCollected = "collected" // after a garbage collection
)

// RunServer is all of the server process: it serves h with s until in ends.
func RunServer(s system.System, h system.Handler, in io.Reader, out io.Writer) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(ln, h) }()
	answers := json.NewEncoder(out)
	if err := answers.Encode(ln.Addr().String()); err != nil {
		return err
	}
	questions := bufio.NewScanner(in)
	for questions.Scan() {
		select {
		case err := <-failed:
			return fmt.Errorf("serve: %w", err)
		default:
		}
		if err := answer(answers, questions.Text()); err != nil {
			return err
		}
	}
	return questions.Err()
}

func answer(out *json.Encoder, question string) error {
	ask := usage
	if question == askCollected {
		ask = collectedUsage
	}
	return out.Encode(ask())
}
