package main

import (
	"errors"
	"net"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"yodel": main})
}

// TestScripts runs testdata/script, which shows each subcommand with good and bad input.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			address, stop, err := serveDivide()
			env.Defer(stop)
			if err != nil {
				return err
			}
			silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
			if err != nil {
				return err
			}
			env.Defer(func() { silent.Close() })
			env.Setenv("SERVER", address)
			env.Setenv("SILENT", silent.Addr().String())
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"code": exitCode},
	})
}

// exitCode is the script command "code N PROGRAM ARGUMENT...": the program must end with exit code N.
func exitCode(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM ARGUMENT...")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("the exit code is %d, want %s", got, args[0])
	}
}
