package yodel_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/yodelrpc/yodel"
	"github.com/yodelrpc/yodel/examples/divide"
)

// programVariable makes the test binary the program whose processes are tested.
const programVariable = "YODEL_TEST_PROGRAM"

// tlsVariable names the folder with the files of the program's TLS; none for no TLS.
const tlsVariable = "YODEL_TEST_TLS"

// What the program's handler does for these numbers, besides dividing.
const (
	tellsProcess = 1001 // returns the process id
	tellsVersion = 1002 // returns the number in the program file's name
	takesLong    = 1003 // says so, and returns when there is no holdFile beside the program file
)

const holdFile = "hold"

type programHandler struct{ handler }

func (h programHandler) Divide(ctx context.Context, num1, num2 int32) (float32, error) {
	switch num1 {
	case tellsProcess:
		return float32(os.Getpid()), nil
	case tellsVersion:
		return programVersion(), nil
	case takesLong:
		fmt.Fprintln(os.Stderr, "a long call runs")
		waitForRemoval(holdFile)
	}
	return h.handler.Divide(ctx, num1, num2)
}

func waitForRemoval(name string) {
	path, _ := os.Executable()
	for {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), name)); err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// isFirst reports whether no other process has asked before.
func isFirst() bool {
	path, _ := os.Executable()
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), "first"), os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		f.Close()
	}
	return err == nil
}

func programVersion() (v float32) {
	path, _ := os.Executable()
	fmt.Sscanf(strings.TrimPrefix(filepath.Base(path), "version"), "%f", &v)
	return v
}

// What versions of the program do besides serving.
const (
	isBroken   = 3 // ends at once
	halfStarts = 8 // its first worker serves, the others get stuck before
)

// program serves from two processes, as a user's main would.
func program() {
	switch programVersion() {
	case isBroken:
		os.Exit(3)
	case halfStarts:
		if os.Getenv("YODEL_WORKER") != "" && !isFirst() {
			time.Sleep(time.Minute)
		}
	}
	options := yodel.ServerOptions{
		Mode:   yodel.Processes(2),
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	if dir := os.Getenv(tlsVariable); dir != "" {
		config, err := yodel.TLSFiles{
			Certificate: filepath.Join(dir, "server.crt"), Key: filepath.Join(dir, "server.key"),
			CA: filepath.Join(dir, "clients.pem"),
		}.Server()
		if err != nil {
			fmt.Fprintln(os.Stderr, "main:", err)
			os.Exit(1)
		}
		options.TLS = config
	}
	srv := options.NewServer(divide.NewService(programHandler{}))
	if err := srv.ListenAndServe(context.Background(), os.Getenv(programVariable)); err != nil {
		fmt.Fprintln(os.Stderr, "main:", err)
		os.Exit(1)
	}
}
