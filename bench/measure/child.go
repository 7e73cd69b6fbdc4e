package measure

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// A child is the server process as the client process sees it.
type child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	addr    string
}

// startServer starts this program anew as the server of spec.
func startServer(spec Spec) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "server", spec.System, spec.Work)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server of %s: %w", spec.System, err)
	}
	c := &child{cmd: cmd, in: in, answers: json.NewDecoder(out)}
	if err := c.answers.Decode(&c.addr); err != nil {
		c.stop()
		return nil, fmt.Errorf("the server of %s did not tell its address: %w", spec.System, err)
	}
	return c, nil
}

func (c *child) ask(question string) (Usage, error) {
	var u Usage
	if _, err := fmt.Fprintln(c.in, question); err != nil {
		return u, fmt.Errorf("ask the server for its usage: %w", err)
	}
	if err := c.answers.Decode(&u); err != nil {
		return u, fmt.Errorf("read the server's usage: %w", err)
	}
	return u, nil
}

// stop ends the server, which nothing depends on any more.
func (c *child) stop() {
	c.in.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
