//go:build !linux && !darwin

package peercred

import "github.com/yodelrpc/yodel/rpc"

// ofSocket returns nil, for the systems that the other files do not know.
func ofSocket(uintptr) *rpc.UnixCredentials { return nil }
