package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/yodelrpc/yodel/bench/measure"
)

// runServer is the command of the server process: the system's name and the work's.
func runServer(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("server %q: give a system and a work", args)
	}
	s, err := findSystem(args[0])
	if err != nil {
		return err
	}
	w, err := measure.FindWork(args[1])
	if err != nil {
		return err
	}
	return measure.RunServer(s, w.Handler(), os.Stdin, os.Stdout)
}

// runClient is the command of the client process: a Spec comes in, a Result goes out.
func runClient(ctx context.Context) error {
	var spec measure.Spec
	if err := json.NewDecoder(os.Stdin).Decode(&spec); err != nil {
		return fmt.Errorf("read what to measure: %w", err)
	}
	s, err := findSystem(spec.System)
	if err != nil {
		return err
	}
	result, err := measure.Run(ctx, s, spec)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// measureApart takes one measurement in processes of its own.
func measureApart(ctx context.Context, spec measure.Spec) (measure.Result, error) {
	const patience = time.Minute // for what comes before and after the calls
	ctx, cancel := context.WithTimeout(ctx, 3*spec.Time+patience)
	defer cancel()
	self, err := os.Executable()
	if err != nil {
		return measure.Result{}, err
	}
	input, err := json.Marshal(spec)
	if err != nil {
		return measure.Result{}, err
	}
	var output, errors bytes.Buffer
	cmd := exec.CommandContext(ctx, self, "client")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &output, &errors
	if err := cmd.Run(); err != nil {
		return measure.Result{}, fmt.Errorf("%w: %s", err, complaint(errors.Bytes()))
	}
	var result measure.Result
	if err := json.Unmarshal(output.Bytes(), &result); err != nil {
		return measure.Result{}, fmt.Errorf("read the measurement: %w", err)
	}
	return result, nil
}

// complaint shortens what a failed process wrote to its first line, which says why it panicked, and its last.
func complaint(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) == 1 {
		return lines[0]
	}
	return lines[0] + " ... " + lines[len(lines)-1]
}
