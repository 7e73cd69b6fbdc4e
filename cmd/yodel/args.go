package main

import (
	"net"
	"path/filepath"
	"strings"

	"github.com/yodelrpc/yodel/cmd/yodel/internal/cli"
)

// checkAddress wants HOST:PORT.
func checkAddress(address string) error {
	if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
		return cli.Usagef("the address %q is not HOST:PORT; write it as 127.0.0.1:8000", address)
	}
	return nil
}

// checkOutput wants the one file that is written to be named as what it holds.
func checkOutput(name, ext string) error {
	switch got := filepath.Ext(name); {
	case got == ext:
		return nil
	case got == ".py" || got == ".proto":
		return cli.Usagef("-o %s is no %s file; add --%s", name, ext, map[string]string{".py": "python", ".proto": "proto"}[got])
	default:
		return cli.Usagef("-o %s is neither a directory nor a %s file; write -o %s/ or -o %s%s", name, ext, name,
			strings.TrimSuffix(name, got), ext)
	}
}
