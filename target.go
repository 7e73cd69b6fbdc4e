package yodel

import (
	"cmp"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// A target is where a channel connects to, and how it speaks.
type target struct {
	scheme  string // of the protocol
	secure  bool   // inside TLS, as an s behind the scheme says
	network string // "tcp" or "unix"
	address string // HOST:PORT, or the path of a unix socket
}

// parseTarget reads [SCHEME://]HOST:PORT or [SCHEME+]unix:///PATH, where SCHEME is one of schemes, or one with an s
// behind it for TLS. The first of them is that of a target that names none.
func parseTarget(s string, schemes []string) (target, error) {
	if err := checkSlashes(s); err != nil {
		return target{}, fmt.Errorf("target %q: %w", s, err)
	}
	prefix, rest, ok := strings.Cut(s, "://")
	if !ok {
		prefix, rest = "", s
	}
	scheme, network, ok := strings.Cut(prefix, "+")
	if !ok && prefix == "unix" {
		scheme, network = "", "unix"
	}
	t := target{scheme: cmp.Or(scheme, schemes[0]), network: cmp.Or(network, "tcp")}
	if plain, ok := strings.CutSuffix(t.scheme, "s"); ok && !slices.Contains(schemes, t.scheme) {
		t.scheme, t.secure = plain, true
	}
	if !slices.Contains(schemes, t.scheme) {
		return target{}, fmt.Errorf("target %q: unknown scheme %q; use %s, or for TLS %s", s, scheme,
			strings.Join(schemes, ", "), strings.Join(schemes, "s, ")+"s")
	}
	address, err := t.parseAddress(rest)
	if err != nil {
		return target{}, fmt.Errorf("target %q: %w", s, err)
	}
	t.address = address
	return t, nil
}

// at returns t with the address of a server, HOST:PORT or unix:///PATH, in place of its own; with its own for "".
func (t target) at(server string) (_ target, err error) {
	if server == "" {
		return t, nil
	}
	address, isPath := strings.CutPrefix(server, "unix://")
	t.network, t.address = "tcp", address
	if isPath {
		t.network = "unix"
	}
	if t.address, err = t.parseAddress(address); err != nil {
		return target{}, fmt.Errorf("the resolver's server %q: %w", server, err)
	}
	return t, nil
}

// over returns what to dial for the same address over another protocol.
func (t target) over(scheme string) string {
	if t.secure {
		scheme += "s"
	}
	if t.network == "unix" {
		scheme += "+unix"
	}
	return scheme + "://" + t.address
}

func (t target) parseAddress(s string) (string, error) {
	switch t.network {
	case "tcp":
		return s, checkHostPort(s, 1)
	case "unix":
		return s, checkSocketPath(s)
	}
	return "", fmt.Errorf("unknown network %q; write unix:///PATH or %s+unix:///PATH", t.network, t.scheme)
}

// splitAddress returns the network and the address that a server listens on: HOST:PORT or unix:///PATH.
func splitAddress(s string) (network, address string, err error) {
	switch scheme, rest, ok := strings.Cut(s, "://"); {
	case checkSlashes(s) != nil:
		err = checkSlashes(s)
	case !ok:
		network, address, err = "tcp", s, checkHostPort(s, 0) // 0 is any free port
	case scheme == "unix":
		network, address, err = "unix", rest, checkSocketPath(rest)
	default:
		err = fmt.Errorf("a server speaks every protocol, whatever the scheme; write HOST:PORT or unix:///PATH")
	}
	if err != nil {
		return "", "", fmt.Errorf("address %q: %w", s, err)
	}
	return network, address, nil
}

// checkHostPort returns what is wrong with HOST:PORT where the least port is as given.
func checkHostPort(s string, least int) error {
	if strings.Contains(s, "/") {
		return fmt.Errorf("a path has no meaning here; write only HOST:PORT")
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil || port == "" {
		return fmt.Errorf("it is not HOST:PORT, such as 127.0.0.1:8000, [::1]:8000 or :8000")
	}
	n, err := strconv.Atoi(port)
	if err != nil { // it is the name of a service
		n, err = net.LookupPort("tcp", port)
	}
	if err != nil || n < least || n > 65535 {
		return fmt.Errorf("there is no port %s; ports are 1 to 65535", port)
	}
	return nil
}

// maxSocketPath is what Linux takes in sun_path, whose last byte is zero; other systems take 100 to 103 bytes.
const maxSocketPath = 107

// checkSocketPath returns what is wrong with the path of a unix socket, or with the name of an abstract one.
func checkSocketPath(s string) error {
	name, abstract := strings.CutPrefix(s, "@")
	switch {
	case abstract && runtime.GOOS != "linux":
		return fmt.Errorf("only Linux has abstract unix sockets; write a path, such as unix:///run/calc.sock")
	case abstract && name == "", !abstract && (!strings.HasPrefix(s, "/") || s == "/"):
		return fmt.Errorf("a unix socket needs an absolute path, such as unix:///run/calc.sock, or on Linux a name " +
			"in place of a file, such as unix://@calc")
	case len(s) > maxSocketPath:
		return fmt.Errorf("the path of a unix socket has at most %d bytes, and this has %d", maxSocketPath, len(s))
	case strings.ContainsRune(s, 0):
		return fmt.Errorf("the path of a unix socket has no zero bytes")
	}
	return nil
}

// checkSlashes returns an error for unix:PATH, as some other programs write it.
func checkSlashes(s string) error {
	scheme, path, _ := strings.Cut(s, ":")
	if scheme != "unix" && !strings.HasSuffix(scheme, "+unix") || strings.HasPrefix(path, "//") {
		return nil
	}
	if strings.HasPrefix(path, "/") || strings.HasPrefix(path, "@") { // else unix is the name of a host
		return fmt.Errorf("write %s://%s", scheme, path)
	}
	return nil
}
