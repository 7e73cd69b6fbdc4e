// Command bench compares Yodel with other RPC systems: client and server in two processes over loopback, all systems
// turn and turn about over several rounds. README.md beside it says what the figures mean.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	command, rest := "run", args
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, rest = args[0], args[1:]
	}
	switch command {
	case "run":
		return runSuite(ctx, rest)
	case "check":
		return runCheck(ctx, rest)
	case "plot":
		return runPlot(rest)
	case "list":
		return runList()
	case "client":
		return runClient(ctx)
	case "server":
		return runServer(rest)
	default:
		return fmt.Errorf("no command %q; there are run (the default), check, plot and list", command)
	}
}
